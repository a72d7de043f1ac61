package sink

import (
	stderrors "errors"
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/xio"
)

// Buffers of pendingSize hold small pieces until they make a write worth its
// system call.
const pendingSize = 64 << 10

var buffers = bufpool.New(pendingSize, pendingSize)

// errOver says that a reader had more bytes than there was room for.
var errOver = stderrors.New("more bytes than fit")

var padding [frame.Alignment]byte

// pending gathers small pieces in front of large ones, so that a descriptor
// and its body leave in one write. Large pieces are never copied. out writes
// slices in order and consumes the slice of slices.
type pending struct {
	buf *bufpool.Buffer
	out func(bufs [][]byte) error
	vec [2][]byte
}

// add takes p: a copy if it fits; otherwise all that is pending leaves together with p.
func (q *pending) add(p []byte) error {
	q.lend()
	if q.fits(len(p)) {
		q.buf.B = append(q.buf.B, p...)
		return nil
	}
	return q.leave(p)
}

// fits says whether n bytes more can wait. Large pieces do not, since that would copy them.
func (q *pending) fits(n int) bool { return n < pendingSize && len(q.buf.B)+n <= pendingSize }

// flush writes all that is pending.
func (q *pending) flush() error { return q.leave(nil) }

func (q *pending) leave(p []byte) error {
	vec := q.vec[:0]
	if q.buf != nil && len(q.buf.B) > 0 {
		vec = append(vec, q.buf.B)
	}
	if len(p) > 0 {
		vec = append(vec, p)
	}
	if len(vec) == 0 {
		return nil
	}
	err := q.out(vec)
	q.vec = [2][]byte{} // keep nothing of the caller's alive
	if q.buf != nil {
		q.buf.B = q.buf.B[:0]
	}
	return err
}

// readFrom adds what r gives until io.EOF, reading into the buffer itself. It
// returns errOver, and takes nothing of the excess, if that is more than most
// bytes.
func (q *pending) readFrom(r io.Reader, most uint64) (n int64, err error) {
	q.lend()
	for most > 0 {
		if len(q.buf.B) >= pendingSize {
			if err := q.flush(); err != nil {
				return n, err
			}
		}
		room := q.buf.B[len(q.buf.B):pendingSize]
		got, err := xio.ReadSome(r, room[:min(uint64(len(room)), most)])
		q.buf.B = q.buf.B[:len(q.buf.B)+got]
		n, most = n+int64(got), most-uint64(got)
		if err != nil {
			return n, readError(err)
		}
	}
	return n, atEOF(r)
}

// lend makes sure that there is a buffer.
func (q *pending) lend() {
	if q.buf == nil {
		q.buf = buffers.Get()
	}
}

// release gives the buffer back; what is in it is lost.
func (q *pending) release() {
	if q.buf != nil {
		buffers.Put(q.buf)
		q.buf = nil
	}
}

// atEOF demands that r has nothing more to give.
func atEOF(r io.Reader) error {
	var one [1]byte
	n, err := xio.ReadSome(r, one[:])
	if n > 0 {
		return errOver
	}
	return readError(err)
}

// readError marks an error of a reader that a body is read from; io.EOF, where
// the body ends, is none.
func readError(err error) error {
	if err == io.EOF {
		return nil
	}
	return errors.Wrap(err, "read the body")
}
