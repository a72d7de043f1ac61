package sink

import (
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Entry is the entry that [Writer.Begin] opened. Its methods add to the body
// in the order of the calls. It is a small value; once ended, it is of no
// further use, and calling it is an error that sticks to the Writer.
type Entry struct {
	w     *Writer
	index int
}

var (
	_ io.Writer     = Entry{}
	_ io.ReaderFrom = Entry{}
)

// Append adds p to the body. p is not kept. An empty p is fine.
//
// Besides the errors of the destination, it returns one wrapping
// [frame.ErrTooLarge] if the body would no longer fit the length field, the
// plan or the hold limit; nothing of p is written then.
func (e Entry) Append(p []byte) error {
	if err := e.grow(uint64(len(p))); err != nil {
		return err
	}
	if err := e.w.dst.append(p); err != nil {
		return e.w.fail(err)
	}
	return nil
}

// Write is [Entry.Append] as an io.Writer: it writes all of p or fails.
func (e Entry) Write(p []byte) (int, error) {
	if err := e.Append(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// HandOver adds p to the body like Append, but a staged Writer keeps p instead
// of copying it: the caller must not change p before [Entry.End] has returned.
// Other Writers write p at once. Use it for large pieces.
func (e Entry) HandOver(p []byte) error {
	if err := e.grow(uint64(len(p))); err != nil {
		return err
	}
	if err := e.w.dst.handOver(p); err != nil {
		return e.w.fail(err)
	}
	return nil
}

// ReadFrom adds what r gives until io.EOF and returns how many bytes that
// were. It reads into the Writer's own buffer, so the bytes are
// copied once. Any other error of r sticks, since part of its bytes is in the
// body.
func (e Entry) ReadFrom(r io.Reader) (int64, error) {
	if err := e.usable(); err != nil {
		return 0, err
	}
	w := e.w
	most := w.Layout().MaxBody() - w.current.Length
	n, err := w.dst.readFrom(r, most)
	w.current.Length += uint64(n)
	if err == errOver {
		err = w.tooLarge(w.Layout().MaxBody())
	}
	if err != nil {
		return n, w.fail(err)
	}
	return n, nil
}

// Len gives the bytes in the body so far; 0 for an Entry that was ended.
func (e Entry) Len() uint64 {
	if e.w == nil || e.index != e.w.index || e.w.state != inEntry {
		return 0
	}
	return e.w.current.Length
}

// End completes the entry: it pads it and writes its length. Only from then on
// is it part of the context. On a planned Writer an entry that is shorter than
// planned is an error wrapping [frame.ErrMisuse].
func (e Entry) End() error {
	if err := e.usable(); err != nil {
		return err
	}
	w := e.w
	n := w.current.Length
	d := w.current
	d.Length = w.Layout().StoredLength(n)
	if err := w.dst.end(d, n); err != nil {
		return w.fail(err)
	}
	w.state = between
	return nil
}

// grow counts n more bytes of body, if the entry is open and they fit.
func (e Entry) grow(n uint64) error {
	if err := e.usable(); err != nil {
		return err
	}
	w := e.w
	if most := w.Layout().MaxBody(); n > most-w.current.Length {
		return w.fail(w.tooLarge(most))
	}
	w.current.Length += n
	return nil
}

// usable says whether e is the entry that is open now.
func (e Entry) usable() error {
	switch {
	case e.w == nil:
		return frame.Misuse(frame.RuleCalls, "an entry that was never begun")
	case e.w.err != nil:
		return e.w.err
	case e.w.state == closed:
		return frame.Misuse(frame.RuleCalls, "an entry after Close")
	case e.w.state != inEntry || e.index != e.w.index:
		return e.w.fail(frame.Misuse(frame.RuleCalls, "entry %d was ended before", e.index))
	}
	return nil
}
