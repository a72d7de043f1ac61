package pipe

import (
	stderrors "errors"
	"io"
	"sync"
	"time"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/xio"
)

// inputSize is what an input begins with, and how much it reads at a time beyond
// what is needed. It grows only as bytes arrive.
const inputSize = 256 << 10

// input reads the source through a buffer that can be looked into, and whose
// parts can be given away without a copy. It owns the source up to its end, so
// it may read ahead.
type input struct {
	src   *source
	meter *meter
	pool  *bufpool.Pool
	most  int // room that a whole frame needs; 0 until it is known
	room  int // most, once a frame has needed it: the next ones will, too, as stored ones do
	buf   *bufpool.Buffer
	lo    int   // buf.B[lo:] was read and not used
	off   int64 // place of buf.B[lo] in the stream
	err   error // of the source, sticky: io.EOF, or its own error, wrapped
}

func newInput(src *source, m *meter, pool *bufpool.Pool) input {
	return input{src: src, meter: m, pool: pool, buf: pool.Get()}
}

// peek gives what is at hand without using it up, which is n bytes or more; or
// fewer, and then why. The slice is good until the next call.
func (in *input) peek(n int) ([]byte, error) {
	for len(in.buf.B)-in.lo < n {
		if in.err != nil {
			return in.buf.B[in.lo:], in.err
		}
		in.makeRoom(n)
		// A bounded step keeps what is read beyond a frame small, and with it
		// what take has to copy.
		have := len(in.buf.B)
		free := in.buf.B[have:min(cap(in.buf.B), max(in.lo+n, have+inputSize))]
		in.buf.B = in.buf.B[:have+in.fetch(free)]
	}
	return in.buf.B[in.lo:], nil
}

// makeRoom makes the buffer able to take at least one byte more, out of n that
// are wanted. It grows by doubling, never at once to a size that the
// stream merely claims to need, and not beyond what a frame needs.
func (in *input) makeRoom(n int) {
	if in.lo == len(in.buf.B) {
		in.buf.B, in.lo = in.buf.B[:0], 0
	}
	if cap(in.buf.B)-in.lo >= n && len(in.buf.B) < cap(in.buf.B) {
		return
	}
	unused := in.buf.B[in.lo:]
	if len(unused) < cap(in.buf.B) {
		in.buf.B, in.lo = append(in.buf.B[:0], unused...), 0
		return
	}
	size := 2 * cap(in.buf.B)
	if in.most > cap(in.buf.B) {
		size = min(size, in.most)
	}
	if size == in.most {
		in.room = size
	}
	larger := in.pool.GetSize(size)
	larger.B = append(larger.B, unused...)
	in.pool.Put(in.buf)
	in.buf, in.lo = larger, 0
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

// take uses up n bytes that are at hand and gives them away, in a buffer that
// now belongs to the caller. The lesser part is copied: the n bytes, or what was
// read beyond them.
func (in *input) take(n int) (*bufpool.Buffer, []byte) {
	given, rest := in.buf.B[in.lo:in.lo+n], in.buf.B[in.lo+n:]
	other := in.pool.GetSize(max(in.room, min(n, len(rest))))
	if n <= len(rest) {
		other.B = append(other.B, given...)
		in.discard(n)
		return other, other.B
	}
	other.B = append(other.B, rest...)
	buf := in.buf
	in.discard(n)
	in.buf, in.lo = other, 0
	return buf, given
}

// read is io.Reader over the rest of the input: what is at hand first, then
// straight from the source.
func (in *input) read(p []byte) (int, error) {
	if b := in.buf.B[in.lo:]; len(b) > 0 {
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

func (in *input) release() {
	if in.buf != nil {
		in.pool.Put(in.buf)
		in.buf = nil
	}
}

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
