package source

import (
	"io"

	"github.com/ctxpipe/ctxpipe/internal/xio"
)

// bufferSize is how far a Reader reads ahead within what is certain, and the
// largest body that [Entry.View] shows.
const bufferSize = 64 << 10

// input reads ahead, but never beyond the bytes that are certain to belong to
// the context.
type input struct {
	r       io.Reader
	buf     []byte
	pos     int    // the next byte to take is buf[pos]
	off     int64  // and this is its offset from the start of the context
	certain uint64 // bytes behind those in buf that belong to the context
	err     error  // of r, to be reported when its bytes are used up
}

// buffered gives the bytes that were read ahead.
func (in *input) buffered() []byte { return in.buf[in.pos:] }

// end gives the offset behind the last byte that was read from r.
func (in *input) end() int64 { return in.off + int64(len(in.buffered())) }

// take passes over n buffered bytes.
func (in *input) take(n int) {
	in.pos += n
	in.off += int64(n)
}

// peek gives the next n bytes, at most bufferSize, without taking them. The
// slice is good until the next call. It returns io.ErrUnexpectedEOF if the
// source ends before.
func (in *input) peek(n int) ([]byte, error) {
	if len(in.buffered()) < n {
		if err := in.fill(n); err != nil {
			return nil, err
		}
	}
	return in.buf[in.pos : in.pos+n : in.pos+n], nil
}

// fill reads until n bytes are buffered, and as much more as comes with them.
func (in *input) fill(n int) error {
	if in.buf == nil {
		in.buf = make([]byte, 0, bufferSize)
	}
	if in.pos > 0 {
		in.buf = in.buf[:copy(in.buf, in.buffered())]
		in.pos = 0
	}
	for len(in.buf) < n {
		room := in.buf[len(in.buf):cap(in.buf)]
		got, err := in.read(room[:min(uint64(len(room)), in.certain)])
		in.buf = in.buf[:len(in.buf)+got]
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads some of the certain bytes into p, which is not empty and not
// longer than they are. An error comes without bytes.
func (in *input) read(p []byte) (int, error) {
	if in.err != nil {
		return 0, in.cutOr()
	}
	n, err := xio.ReadSome(in.r, p)
	in.certain -= uint64(n)
	in.err = err
	if n > 0 {
		return n, nil
	}
	return 0, in.cutOr()
}

// cutOr gives the error of the source; its end is one where bytes are certain.
func (in *input) cutOr() error {
	if in.err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return in.err
}

// probe asks the source for a byte that does not belong to the context. It
// returns io.EOF if there is none, and nil if there is one.
func (in *input) probe() error {
	if in.err != nil {
		return in.err
	}
	var one [1]byte
	n, err := xio.ReadSome(in.r, one[:])
	if n > 0 {
		return nil
	}
	return err
}
