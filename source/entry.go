package source

import (
	"fmt"
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Entry is an entry that [Reader.Next] gave: its descriptor, and its body to be
// read. It is a small value; once ended, it is of no further use, and calling
// it is an error that sticks to the Reader.
type Entry struct {
	// Descriptor is as on the wire: in the compact layout Length counts the
	// padding.
	frame.Descriptor

	r     *Reader
	index int
}

var (
	_ io.Reader   = Entry{}
	_ io.WriterTo = Entry{}
)

// EndMode says what [Entry.End] makes of bytes of the body that were not read.
type EndMode uint8

const (
	// EndStrict demands what can be padding: in the compact layout the rest
	// of the body must be zero, in the wide layout there must be no rest
	// (rule DC-44).
	EndStrict EndMode = iota
	// EndIgnore passes over the rest whatever it is.
	EndIgnore
)

// Index counts the entries of the context; HEADER or START is 0.
func (e Entry) Index() int { return e.index }

// Offset gives the offset of the entry's descriptor from the start of the
// context, in bytes; 0 for an Entry that was ended.
func (e Entry) Offset() int64 {
	if !e.isOpen() {
		return 0
	}
	return e.r.start
}

// Left gives the bytes of the body that were not read yet.
func (e Entry) Left() uint64 {
	if !e.isOpen() {
		return 0
	}
	return e.r.left
}

// Read reads from the body; io.EOF is its end. A large p is filled straight
// from the source.
func (e Entry) Read(p []byte) (int, error) {
	if err := e.usable(); err != nil {
		return 0, err
	}
	r := e.r
	if r.left == 0 {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	p = p[:min(uint64(len(p)), r.left)]
	in := &r.input
	if len(in.buffered()) == 0 && len(p) >= bufferSize/2 {
		n, err := in.read(p)
		if err != nil {
			return 0, r.cut(err)
		}
		in.off += int64(n)
		r.left -= uint64(n)
		return n, nil
	}
	if _, err := in.peek(1); err != nil {
		return 0, r.cut(err)
	}
	n := copy(p, in.buffered())
	r.take(n)
	return n, nil
}

// ReadZeroExtended fills p. In the compact layout, bytes past the end of the
// body are zero: n tells how many were real. In the wide layout a body that is
// shorter than p is an error (rule DC-45).
func (e Entry) ReadZeroExtended(p []byte) (n int, err error) {
	if err := e.usable(); err != nil {
		return 0, err
	}
	r := e.r
	if r.header.Layout == frame.Wide && uint64(len(p)) > r.left {
		return 0, r.fail(r.bad(frame.RulePastEnd, frame.ErrCorrupt, "the body is too short",
			fmt.Sprintf("%d more bytes", len(p)), fmt.Sprint(r.left)))
	}
	for n < len(p) && r.left > 0 {
		got, err := e.Read(p[n:])
		n += got
		if err != nil {
			return n, err
		}
	}
	clear(p[n:])
	return n, nil
}

// View gives the rest of the body without copying it and counts it as read.
// The slice belongs to the Reader, must not be changed, and is good until the
// next call of anything. A rest of more than 64 KiB is an error wrapping
// [frame.ErrTooLarge] that does not stick: use WriteTo or Read for it.
func (e Entry) View() ([]byte, error) {
	if err := e.usable(); err != nil {
		return nil, err
	}
	r := e.r
	if r.left > bufferSize {
		return nil, r.bad(frame.RuleLimit, frame.ErrTooLarge, "the body is too large to be viewed", fmt.Sprintf("at most %d bytes", bufferSize), fmt.Sprint(r.left))
	}
	b, err := r.input.peek(int(r.left))
	if err != nil {
		return nil, r.cut(err)
	}
	r.take(len(b))
	return b, nil
}

// WriteTo writes the rest of the body to w, straight from the Reader's own
// buffer. An error of w does not stick, but the bytes it got are read.
func (e Entry) WriteTo(w io.Writer) (int64, error) {
	if err := e.usable(); err != nil {
		return 0, err
	}
	r := e.r
	var written int64
	for r.left > 0 {
		if _, err := r.input.peek(1); err != nil {
			return written, r.cut(err)
		}
		b := r.input.buffered()
		b = b[:min(uint64(len(b)), r.left)]
		n, err := w.Write(b)
		if err == nil && n < len(b) {
			err = io.ErrShortWrite
		}
		n = min(max(n, 0), len(b))
		r.take(n)
		written += int64(n)
		if err != nil {
			return written, errors.Wrap(err, "write the body")
		}
	}
	return written, nil
}

// End ends the entry, so that [Reader.Next] can go on. What was not read of
// the body is judged by mode, and padding must be zero in any case.
func (e Entry) End(mode EndMode) error {
	if err := e.usable(); err != nil {
		return err
	}
	r := e.r
	l := r.header.Layout
	if mode == EndStrict && l == frame.Wide && r.left > 0 {
		return r.fail(r.bad(frame.RuleLeftover, frame.ErrCorrupt, "bytes of the body were left unread", "0", fmt.Sprint(r.left)))
	}
	if err := r.skip(r.left, mode == EndStrict, frame.RuleLeftover, "bytes of the body that were not read"); err != nil {
		return err
	}
	r.left = 0
	if err := r.skip(uint64(l.PaddingAfter(r.current.Length)), true, frame.RulePadding, "padding"); err != nil {
		return err
	}
	r.state = between
	r.passed++
	if r.current.Type == frame.End {
		r.err = io.EOF
	}
	return nil
}

// skip passes over n bytes, which must be zero if zero is set; rule and what are
// for the case that they are not.
func (r *Reader) skip(n uint64, zero bool, rule frame.Rule, what string) error {
	in := &r.input
	for n > 0 {
		if _, err := in.peek(1); err != nil {
			return r.cut(err)
		}
		b := in.buffered()
		b = b[:min(uint64(len(b)), n)]
		if zero && !frame.IsZero(b) {
			return r.fail(r.bad(rule, frame.ErrCorrupt, what, "zero", "something else"))
		}
		in.take(len(b))
		n -= uint64(len(b))
	}
	return nil
}

// take counts n buffered bytes of the body as read.
func (r *Reader) take(n int) {
	r.input.take(n)
	r.left -= uint64(n)
}

// isOpen says whether e is the entry that the Reader stands in.
func (e Entry) isOpen() bool {
	return e.r != nil && e.r.state == inEntry && e.index == e.r.index
}

// usable is isOpen with the errors that a caller is owed.
func (e Entry) usable() error {
	switch {
	case e.r == nil:
		return frame.Misuse(frame.RulePosition, "an entry that no Reader gave")
	case e.r.failed():
		return e.r.err
	case !e.isOpen():
		err := frame.Misuse(frame.RulePosition, "%s was ended before", e.Name(e.r.header.Layout))
		if e.r.err == nil {
			e.r.err = err
		}
		return err
	}
	return nil
}
