package source

import (
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Report is what [Verify] found in a good context.
type Report struct {
	Header  frame.Header
	Entries int   // that were passed, HEADER or START and END included
	Bytes   int64 // from the first to the last
}

// Verify reads a context to its end, and r to its own, by the strict rules
// (spec §9): beside everything that a Reader checks, the length of HEADER,
// aligned lengths, order, repeats, an empty END, and nothing behind it. With
// [CheckBodies] it also checks the bodies of known types.
//
// The first error is returned with a report on what was read until then.
func Verify(r io.Reader, opts ...Option) (Report, error) {
	reader, err := NewReader(r, opts...)
	if err != nil {
		return Report{}, err
	}
	reader.settings.strict = true
	for {
		var e Entry
		if e, err = reader.Next(); err != nil {
			break
		}
		if err = reader.verifyEntry(e); err != nil {
			break
		}
	}
	if err == io.EOF {
		err = reader.verifyNothingFollows()
	}
	return Report{Header: reader.header, Entries: reader.passed, Bytes: reader.Consumed()}, err
}

// verifyEntry passes over an entry, and looks into it if asked to.
func (r *Reader) verifyEntry(e Entry) error {
	if r.settings.bodies {
		b, err := r.input.peek(int(min(r.left, frame.MaxCheckedBody)))
		if err != nil {
			return r.cut(err)
		}
		if err := frame.CheckBody(e.Descriptor, r.header.Layout, b); err != nil {
			return r.fail(r.place(err))
		}
	}
	return e.End(EndIgnore)
}

// verifyNothingFollows demands the end of the source behind END.
func (r *Reader) verifyNothingFollows() error {
	switch err := r.input.probe(); err {
	case io.EOF:
		return nil
	case nil:
		return &frame.Error{
			Layer: frame.Layer, Offset: r.input.off, Index: r.index + 1, Record: "behind " + r.current.Name(r.header.Layout), Rule: frame.RuleTrailing,
			What: "the context is followed by something", Wanted: "the end of the input", Got: "more bytes", Err: frame.ErrCorrupt,
		}
	default:
		return errors.Wrapf(err, "read behind the context at offset %d", r.input.off)
	}
}
