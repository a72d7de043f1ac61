package xen

import (
	"fmt"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
)

// place is where the walk is, for errors: a header, or a record.
type place struct {
	layer string
	what  string // of a header or the like; "" in a record
	start int64
	index int
	rec   libxc.RecordHeader // of either layer; the type's name goes by the layer
}

// at says that something other than a record begins here.
func (w *Walker) at(layer, what string) {
	w.place = place{layer: layer, what: what, start: w.off, index: frame.NoIndex}
}

// atRecord says that a record with that header begins here.
func (w *Walker) atRecord(layer string, index int, r libxc.RecordHeader) {
	w.place = place{layer: layer, start: w.off, index: index, rec: r}
	w.bodyAt = w.off + libxc.RecordHeaderSize
}

// name gives what Xen calls the type of the current record, or "".
func (p *place) name() string {
	if p.layer == libxl.Layer {
		return libxl.Type(p.rec.Type).Name()
	}
	return p.rec.Type.Name()
}

// label is name for an error, and never empty.
func (p *place) label() string {
	if p.what != "" {
		return p.what
	}
	if n := p.name(); n != "" {
		return n
	}
	return fmt.Sprintf("type %#x", uint32(p.rec.Type))
}

// record gives the current record to a visitor.
func (w *Walker) record() Record {
	return Record{
		Layer: w.layer, Type: uint32(w.rec.Type), Name: w.name(), Index: w.index, Offset: w.start, Length: w.rec.Length,
	}
}

// bad makes an error at the current place. Only structure gets into it: wanted
// and got are numbers and names, never what a page or a body holds.
func (w *Walker) bad(rule frame.Rule, sentinel error, what string, wanted, got any) *frame.Error {
	return &frame.Error{
		Layer: w.layer, Offset: w.start, Index: w.index, Record: w.label(), Rule: rule,
		What: what, Wanted: fmt.Sprint(wanted), Got: fmt.Sprint(got), Err: sentinel,
	}
}

// load reports that a load rule is broken, and returns what stops the walk
// because of it: nothing, if all findings are wanted.
func (w *Walker) load(rule frame.Rule, what string, wanted, got any) error {
	return w.report(w.bad(rule, frame.ErrCorrupt, what, wanted, got))
}

// verify is load for a verify rule.
func (w *Walker) verify(rule frame.Rule, what string, wanted, got any) error {
	if !w.strict {
		return nil
	}
	return w.load(rule, what, wanted, got)
}

func (w *Walker) report(e *frame.Error) error {
	if w.finding == nil {
		return e
	}
	w.finding(e)
	return nil
}

// cut is the error of a stream that ends before its last END.
func (w *Walker) cut() error {
	e := &frame.Error{
		Layer: w.layer, Offset: w.start, Index: w.index, Record: w.label(), Rule: RuleTruncated,
		What: "the stream is cut", Wanted: "more bytes", Got: fmt.Sprintf("the end of the input at offset %d", w.Offset()), Err: io.ErrUnexpectedEOF,
	}
	return e
}
