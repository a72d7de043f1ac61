package pipe

import (
	"slices"
	"sync"

	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

// ring lends pieces of one buffer, each behind the one before and from the beginning
// again where the end is reached. They may come back in any order and from any goroutine;
// one goroutine lends. The buffer goes back to its pool when the ring was closed and
// every piece is back.
type ring struct {
	pool  *bufpool.Pool
	buf   *bufpool.Buffer
	freed chan struct{} // has a token when a piece came back since it was last taken

	mu     sync.Mutex
	lent   []stretch // the oldest first, which is still lent
	first  int       // number of lent[0], counted from the first that was ever lent
	closed bool
}

// stretch is a piece that was lent, from its first byte.
type stretch struct {
	from int
	back bool
}

// loan is a piece that was lent; the zero loan is none.
type loan struct {
	of     *ring
	number int
}

func newRing(pool *bufpool.Pool, size int) *ring {
	return &ring{pool: pool, buf: pool.GetSize(size), freed: make(chan struct{}, 1)}
}

// bytes is the whole buffer.
func (r *ring) bytes() []byte { return r.buf.B[:cap(r.buf.B)] }

// lend lends what begins at from, at least one byte, and ends where the next piece begins.
func (r *ring) lend(from int) loan {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lent = append(r.lent, stretch{from: from})
	return loan{r, r.first + len(r.lent) - 1}
}

// back gives a piece back, which nobody may look at from now on. It does nothing
// with no loan.
func (l loan) back() {
	if l.of == nil {
		return
	}
	r := l.of
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lent[l.number-r.first].back = true
	n := 0
	for n < len(r.lent) && r.lent[n].back {
		n++
	}
	r.lent = slices.Delete(r.lent, 0, n)
	r.first += n
	r.settle()
	select {
	case r.freed <- struct{}{}:
	default:
	}
}

// room gives how far what begins at from may reach, and how far what begins anew at 0
// may, without touching what is lent.
func (r *ring) room(from int) (here, anew int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch whole := cap(r.buf.B); {
	case len(r.lent) == 0:
		return whole, whole
	case r.lent[0].from < from: // all that is lent lies before it
		return whole, r.lent[0].from
	default: // it has begun anew, and the oldest lies ahead
		return r.lent[0].from, 0
	}
}

// close lets the buffer go once every piece is back.
func (r *ring) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.settle()
}

// settle gives the buffer back if nobody needs it any more.
func (r *ring) settle() {
	if r.closed && len(r.lent) == 0 && r.buf != nil {
		r.pool.Put(r.buf)
		r.buf = nil
	}
}
