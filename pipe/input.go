package pipe

import (
	stderrors "errors"
	"io"
	"math"
	"sync"
	"time"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/xio"
)

// inputSize is what an input begins with, and how much it reads at a time beyond
// what is needed.
const inputSize = 256 << 10

// input reads the source through a ring that can be looked into, and whose
// pieces are lent where they lie. It owns the source up to its end, so it may read
// ahead.
type input struct {
	src   *source
	meter *meter
	ring  *ring
	full  int             // what the ring grows to at once; 0: as large as is needed, by doubling
	done  <-chan struct{} // ends the wait for what was lent; nil if nothing ever is
	lo    int             // ring.bytes()[lo:hi] was read and not used
	hi    int
	off   int64 // place of the byte at lo in the stream
	err   error // of the source, sticky: io.EOF, or its own error, wrapped
}

func newInput(src *source, m *meter, pool *bufpool.Pool) input {
	return input{src: src, meter: m, ring: newRing(pool, 0)}
}

// ringSize is how large the ring becomes for frames of that much content, with so many parts
// on their way: two frames that do not pack at all have room with two workers, and for each
// further one there is a quarter of that, as most of a guest packs to.
func ringSize(content, parts int) int {
	quarter := (zst.MaxFrameSize(content) + inputSize) / 4
	return quarter * min(parts+5, math.MaxInt/quarter) // an int may be small
}

// peek gives what is at hand without using it up, which is n bytes or more; or
// fewer, and then why, which is errStopped if done came first. The slice is good until the
// next call.
func (in *input) peek(n int) ([]byte, error) {
	for in.hi-in.lo < n {
		if in.err != nil {
			return in.atHand(), in.err
		}
		end, err := in.makeRoom(n)
		if err != nil {
			return in.atHand(), err
		}
		// A bounded step keeps what is read beyond a frame small, and with it
		// what has to be copied where the ring ends.
		end = min(end, max(in.lo+n, in.hi+inputSize))
		in.hi += in.fetch(in.ring.bytes()[in.hi:end])
	}
	return in.atHand(), nil
}

func (in *input) atHand() []byte { return in.ring.bytes()[in.lo:in.hi] }

// makeRoom makes room behind what is at hand, for n bytes from lo on if the ring is that
// large, and gives where it ends. What is at hand goes to the beginning of the ring if there
// is no room where it is, or if it is nothing. A ring grows when it is full, be it of what is
// at hand or of what is lent, and never merely because the stream claims to need it.
func (in *input) makeRoom(n int) (end int, err error) {
	whole := len(in.ring.bytes())
	if in.hi-in.lo == whole {
		return in.grow(), nil
	}
	n = min(n, whole)
	for {
		here, anew := in.ring.room(in.lo)
		unused := in.lo == in.hi && anew == whole
		switch {
		case in.lo+n <= here && !unused:
			return here, nil
		case n <= anew:
			return in.move(anew), nil
		case whole < in.full:
			return in.grow(), nil
		}
		select {
		case <-in.ring.freed:
		case <-in.done:
			return 0, errStopped
		}
	}
}

// move moves what is at hand to the beginning of the ring, where room ends at end.
func (in *input) move(end int) int {
	copy(in.ring.bytes(), in.atHand())
	in.lo, in.hi = 0, in.hi-in.lo
	return end
}

// grow moves what is at hand to a larger ring, and gives where room ends there.
func (in *input) grow() int {
	size := len(in.ring.bytes())
	if size < in.full {
		size = in.full
	} else {
		size *= 2
	}
	larger := newRing(in.ring.pool, size)
	in.lo, in.hi = 0, copy(larger.bytes(), in.atHand())
	in.ring.close()
	in.ring = larger
	return len(larger.bytes())
}

// fetch reads into p and keeps the source's error.
func (in *input) fetch(p []byte) int {
	n, err := in.src.read(p)
	in.meter.in.Add(int64(n))
	if err != nil && err != io.EOF {
		err = errors.Wrapf(err, "read input at offset %d", in.meter.in.Load())
	}
	in.err = err
	return n
}

// discard uses up n bytes that are at hand.
func (in *input) discard(n int) {
	in.lo += n
	in.off += int64(n)
}

// take uses up n bytes that are at hand and lends them. What is behind them cannot be reached by
// the slice.
func (in *input) take(n int) (loan, []byte) {
	from := in.lo
	in.discard(n)
	return in.ring.lend(from), in.ring.bytes()[from:in.lo:in.lo]
}

// read is io.Reader over the rest of the input: what is at hand first, then
// straight from the source.
func (in *input) read(p []byte) (int, error) {
	if b := in.atHand(); len(b) > 0 {
		n := copy(p, b)
		in.discard(n)
		return n, nil
	}
	if in.err != nil {
		return 0, in.err
	}
	n := in.fetch(p)
	in.off += int64(n)
	if n > 0 {
		return n, nil
	}
	return 0, in.err
}

// release lets the ring go, once all that was lent is back.
func (in *input) release() { in.ring.close() }

// source is the reader below, which can be left for good while somebody is
// stuck in it.
type source struct {
	r       io.Reader
	mu      sync.Mutex
	left    bool
	reading bool
	expired bool // leave has set a deadline
}

// errLeft is what a read of a source gives that was left. Nobody sees it.
var errLeft = stderrors.New("source was left")

func (s *source) read(p []byte) (int, error) {
	if !s.enter() {
		return 0, errLeft
	}
	n, err := xio.ReadSome(s.r, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	if s.left {
		return 0, errLeft
	}
	return n, err
}

func (s *source) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = !s.left
	return s.reading
}

// leave lets no further read begin, and ends the one that is under way if the
// source has deadlines, as connections and pipes do. It says whether a reader is
// sure to come back without the source's help; then the caller waits for it and
// calls back.
func (s *source) leave() (comesBack bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = true
	if !s.reading {
		return true
	}
	d, ok := s.r.(deadliner)
	s.expired = ok && d.SetReadDeadline(time.Unix(1, 0)) == nil
	return s.expired
}

// back takes the deadline away that leave has set.
func (s *source) back() {
	if s.expired {
		_ = s.r.(deadliner).SetReadDeadline(time.Time{})
	}
}

// deadliner is what connections and pipes are.
type deadliner interface {
	// SetReadDeadline is that of net.Conn.
	SetReadDeadline(time.Time) error
}
