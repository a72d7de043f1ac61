package sink

import (
	"fmt"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Writer writes one context. It is made by [NewSeekable], [NewStaged] or
// [NewPlanned], or lent to a handler by a [Registry] or a [DryRun].
type Writer struct {
	dst      destination
	settings settings
	order    frame.Order

	state   state
	err     error            // sticky
	index   int              // of the entry begun last, HEADER counts as 0
	current frame.Descriptor // of that entry; Length counts its body so far
	handler *frame.Type      // the type whose handler is running
}

// state is where a Writer stands between its calls.
type state uint8

const (
	fresh   state = iota // nothing written yet
	between              // HEADER is written, no entry is open
	inEntry
	closed
)

// destination is where the bytes go. A Writer calls it only in the order that
// the format allows; after an error it calls nothing but abort.
type destination interface {
	// whole writes bytes of known length: HEADER or END.
	whole(p []byte) error
	// begin opens an entry. The length of d is not known yet.
	begin(d frame.Descriptor) error
	// append adds to the body; p is not kept.
	append(p []byte) error
	// handOver adds to the body; p may be kept until end.
	handOver(p []byte) error
	// readFrom adds what r gives until io.EOF, which must be at most most
	// bytes.
	readFrom(r io.Reader, most uint64) (int64, error)
	// end completes the entry: d has its stored length, n bytes of body
	// were added.
	end(d frame.Descriptor, n uint64) error
	// abort gives up what is not complete, and all buffers. It may be
	// called twice.
	abort()
	// size counts the bytes of the complete entries, HEADER and END.
	size() int64
}

func newWriter(dst destination, s settings) *Writer {
	return &Writer{dst: dst, settings: s}
}

// Layout gives the layout that is being written. Handlers whose body differs
// between the layouts ask for it.
func (w *Writer) Layout() frame.Layout { return w.settings.layout }

// Size gives the bytes of all complete entries so far, with HEADER or START
// and, after Close, END.
func (w *Writer) Size() int64 { return w.dst.size() }

// Begin opens an entry. Types must not fall from entry to entry, and the same
// type and instance must not come twice (rules DC-20, DC-21). The entry is
// open until [Entry.End].
//
// Errors wrap [frame.ErrMisuse] for a call at the wrong time or a type that
// is reserved, out of order or not the handler's own, and [frame.ErrTooLarge]
// for a value that does not fit its field.
func (w *Writer) Begin(t frame.Type, instance uint32) (Entry, error) {
	d := frame.Descriptor{Type: t, Instance: instance}
	if err := w.mayBegin(d); err != nil {
		return Entry{}, w.fail(err)
	}
	if err := w.start(); err != nil {
		return Entry{}, err
	}
	w.index++
	if err := w.dst.begin(d); err != nil {
		return Entry{}, w.fail(err)
	}
	w.current, w.state = d, inEntry
	return Entry{w: w, index: w.index}, nil
}

// mayBegin checks everything that can be wrong with opening an entry.
func (w *Writer) mayBegin(d frame.Descriptor) error {
	switch {
	case w.err != nil:
		return w.err
	case w.state == closed:
		return frame.Misuse(frame.RuleCalls, "Begin after Close")
	case w.state == inEntry:
		return frame.Misuse(frame.RuleCalls, "Begin of %s inside %s", d.Name(w.Layout()), w.current.Name(w.Layout()))
	case d.Type.Reserved():
		return frame.Misuse(frame.RuleReserved, "type %d is reserved", d.Type)
	case w.handler != nil && d.Type != *w.handler:
		return frame.Misuse(frame.RuleCalls, "the handler of type %d began an entry of type %d", *w.handler, d.Type)
	}
	if err := d.Put(w.settings.scratch[:], w.Layout()); err != nil {
		return err
	}
	rule, what := w.order.Next(d)
	if rule == frame.RuleRepeat && w.settings.repeats || rule == "" {
		return nil
	}
	return frame.Misuse(rule, "%s: %s", d.Name(w.Layout()), what)
}

// Entry writes an entry whose body is at hand. It is Begin, [Entry.HandOver]
// and End: body is not touched after it returns.
func (w *Writer) Entry(t frame.Type, instance uint32, body []byte) error {
	e, err := w.Begin(t, instance)
	if err != nil {
		return err
	}
	if err := e.HandOver(body); err != nil {
		return err
	}
	return e.End()
}

// Close writes END, and HEADER or START if nothing else was written, and
// gives back all buffers. It leaves the destination open. A second Close does
// nothing and returns what the first did.
//
// After any error Close writes nothing and returns that error. It must not
// be called to give up: that is [Writer.Abort].
func (w *Writer) Close() error {
	switch {
	case w.err != nil:
		return w.err
	case w.state == closed:
		return nil
	case w.handler != nil:
		return w.fail(frame.Misuse(frame.RuleCalls, "Close inside the handler of type %d", *w.handler))
	case w.state == inEntry:
		return w.fail(frame.Misuse(frame.RuleCalls, "Close inside %s", w.current.Name(w.Layout())))
	}
	if err := w.start(); err != nil {
		return err
	}
	end := w.settings.scratch[:w.Layout().DescriptorSize()]
	if err := (frame.Descriptor{Type: frame.End}).Put(end, w.Layout()); err != nil {
		return w.fail(err)
	}
	if err := w.dst.whole(end); err != nil {
		return w.fail(err)
	}
	w.dst.abort()
	w.state = closed
	return nil
}

// Abort gives up: END is never written, an open entry is rolled back where
// the destination allows it, and buffers are given back. Every later call
// fails. Abort after Close does nothing.
func (w *Writer) Abort() {
	if w.state != closed {
		w.fail(frame.Misuse(frame.RuleNoEnd, "the save was given up"))
	}
}

// start writes HEADER or START before the first entry.
func (w *Writer) start() error {
	if w.state != fresh {
		return nil
	}
	header, err := frame.Header{Layout: w.Layout(), Xen: w.settings.xen}.Append(w.settings.scratch[:0])
	if err != nil {
		return w.fail(err)
	}
	if err := w.dst.whole(header); err != nil {
		return w.fail(err)
	}
	w.state = between
	return nil
}

// fail makes err stick, unless one did before, and returns the one that does.
func (w *Writer) fail(err error) error {
	if w.err == nil {
		w.err = err
		w.dst.abort()
	}
	return w.err
}

// tooLarge is the error for a body that would exceed a limit of most bytes.
func (w *Writer) tooLarge(most uint64) error {
	return &frame.Error{
		Layer: frame.Layer, Offset: w.dst.size(), Index: w.index, Record: w.current.Name(w.Layout()),
		Rule: frame.RuleLengthFits, What: "body does not fit the length field",
		Wanted: fmt.Sprintf("at most %d bytes", most), Got: "more", Err: frame.ErrTooLarge,
	}
}
