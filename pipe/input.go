package pipe

import (
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/xio"
)

// inputSize is what an input begins with. It grows only as bytes arrive.
const inputSize = 256 << 10

// input reads the source through a buffer that can be looked into. It owns the
// source up to its end, so it may read ahead.
type input struct {
	src   io.Reader
	meter *meter
	pool  *bufpool.Pool
	buf   *bufpool.Buffer
	lo    int   // buf.B[lo:] was read and not used
	off   int64 // place of buf.B[lo] in the stream
	err   error // of the source, sticky: io.EOF, or its own error, wrapped
}

func newInput(src io.Reader, m *meter) input {
	pool := bufpool.New(inputSize, inputSize)
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
		free := in.buf.B[len(in.buf.B):cap(in.buf.B)]
		in.buf.B = in.buf.B[:len(in.buf.B)+in.fetch(free)]
	}
	return in.buf.B[in.lo:], nil
}

// makeRoom makes the buffer able to take at least one byte more, out of n that
// are wanted. It grows by doubling, never at once to a size that the
// stream merely claims to need.
func (in *input) makeRoom(n int) {
	if in.lo == len(in.buf.B) {
		in.buf.B, in.lo = in.buf.B[:0], 0
	}
	if cap(in.buf.B)-in.lo >= n && len(in.buf.B) < cap(in.buf.B) {
		return
	}
	unused := in.buf.B[in.lo:]
	to := in.buf.B[:0]
	if len(unused) == cap(in.buf.B) {
		to = make([]byte, 0, 2*cap(in.buf.B))
	}
	in.buf.B, in.lo = append(to, unused...), 0
}

// fetch reads into p and keeps the source's error.
func (in *input) fetch(p []byte) int {
	n, err := xio.ReadSome(in.src, p)
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
