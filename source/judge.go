package source

import (
	"fmt"
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
)

// maxMark is the longest HEADER or END that is put up with: what can be looked
// at as a whole. Written ones have 16 and 0 bytes.
const maxMark = bufferSize

// judge decides whether the current descriptor may stand where it does. What
// only a verifier asks comes last.
func (r *Reader) judge() error {
	d, l := r.current, r.header.Layout
	most := min(r.settings.maxEntry, l.MaxBody())
	if d.Type.Reserved() {
		most = min(most, maxMark)
	}
	switch {
	case d.Length == l.Unfinished():
		return r.bad(frame.RuleLimit, frame.ErrTooLarge, "the entry was never finished", fmt.Sprintf("a length of at most %d", l.MaxBody()), "the unfinished mark")
	case d.Length > most:
		return r.bad(frame.RuleLimit, frame.ErrTooLarge, "length of the entry", fmt.Sprintf("at most %d", most), fmt.Sprint(d.Length))
	case r.index >= r.settings.maxEntries:
		return r.bad(frame.RuleLimit, frame.ErrTooLarge, "number of entries", fmt.Sprintf("at most %d", r.settings.maxEntries), "more")
	case r.needed() > uint64(r.settings.maxTotal-r.start):
		return r.bad(frame.RuleLimit, frame.ErrTooLarge, "size of the context", fmt.Sprintf("at most %d", r.settings.maxTotal), "more")
	case r.index == 0:
		return r.judgeFirst()
	case d.Type == frame.Start:
		return r.bad(frame.RuleSecondHeader, frame.ErrSecondHeader, "a second first entry", "", "")
	case d.Type == frame.End:
		return r.judgeEnd()
	case r.settings.strict:
		return r.judgeStrictly()
	}
	return nil
}

// needed gives the bytes from the current descriptor to the end of the next one,
// or to the end of END.
func (r *Reader) needed() uint64 {
	d, l := r.current, r.header.Layout
	n := uint64(l.DescriptorSize()) + d.Length + uint64(l.PaddingAfter(d.Length))
	if d.Type != frame.End {
		n += uint64(l.DescriptorSize())
	}
	return n
}

// judgeFirst holds START to its length always, HEADER only in a verifier: a
// loader takes shorter and longer ones.
func (r *Reader) judgeFirst() error {
	want := frame.Header{Layout: r.header.Layout}.Descriptor().Length
	rule := frame.RuleHeaderLength
	if r.header.Layout == frame.Wide {
		rule = frame.RuleStartLength
	} else if !r.settings.strict {
		return nil
	}
	if got := r.current.Length; got != want {
		return r.bad(rule, frame.ErrCorrupt, "length of the first entry", fmt.Sprint(want), fmt.Sprint(got))
	}
	return nil
}

func (r *Reader) judgeEnd() error {
	d := r.current
	switch {
	case d.Instance != 0:
		return r.bad(frame.RuleEndInst, frame.ErrCorrupt, "instance of END", "0", fmt.Sprint(d.Instance))
	case d.Length != 0 && r.header.Layout == frame.Wide:
		return r.bad(frame.RuleEndLength, frame.ErrCorrupt, "length of END", "0", fmt.Sprint(d.Length))
	case d.Length != 0 && r.settings.strict:
		return r.bad(frame.RuleEndEmpty, frame.ErrCorrupt, "length of END", "0", fmt.Sprint(d.Length))
	}
	return nil
}

func (r *Reader) judgeStrictly() error {
	d := r.current
	if r.header.Layout == frame.Compact && frame.Padding(d.Length) != 0 {
		return r.bad(frame.RuleAligned, frame.ErrCorrupt, "length of the entry", "a multiple of 8", fmt.Sprint(d.Length))
	}
	if rule, what := r.order.Next(d); rule != "" {
		return r.bad(rule, frame.ErrCorrupt, what, "", "")
	}
	return nil
}

// bad makes an error at the current entry.
func (r *Reader) bad(rule frame.Rule, sentinel error, what, wanted, got string) error {
	return &frame.Error{
		Layer: frame.Layer, Offset: r.start, Index: r.index, Record: r.current.Name(r.header.Layout),
		Rule: rule, What: what, Wanted: wanted, Got: got, Err: sentinel,
	}
}

// place adds the place to an error of package frame, which knows none.
func (r *Reader) place(err error) error {
	var e *frame.Error
	if !errors.As(err, &e) {
		return err
	}
	placed := *e
	placed.Offset, placed.Index = r.start, r.index
	return &placed
}

// cut makes an error of the source stick, met inside the current entry.
func (r *Reader) cut(err error) error {
	return r.cutIn(r.current.Name(r.header.Layout), err)
}

// cutIn makes an error of the source stick. If that is its end, the context is
// cut inside record, which begins at r.start.
func (r *Reader) cutIn(record string, err error) error {
	if err != io.ErrUnexpectedEOF {
		return r.fail(errors.Wrapf(err, "read the context at offset %d", r.input.end()))
	}
	return r.fail(&frame.Error{
		Layer: frame.Layer, Offset: r.start, Index: r.index, Record: record, Rule: frame.RuleTruncated,
		What: "the context is cut", Wanted: "more bytes", Got: fmt.Sprintf("the end of the input at offset %d", r.input.end()), Err: io.ErrUnexpectedEOF,
	})
}
