package xen

import (
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
)

// subState is the context that the walk is in: the body of a record, or the
// whole stream.
type subState struct {
	check io.WriteCloser // nil outside of a context
	base  int64          // where it begins
	then  func(*Walker) error
}

// whole says whether the context is the stream and not part of one.
func (s *subState) whole() bool { return s.check != nil && s.then == nil }

// beginContext walks n bytes that are a context of that kind.
func (w *Walker) beginContext(k Kind, n int64, then func(*Walker) error) error {
	if then == nil {
		w.at(k.String(), "context")
		w.safeEnd = 0
	}
	w.sub = subState{base: w.off, then: then}
	if k == HVMContext {
		w.sub.check = w.newHVM()
	} else {
		w.sub.check = w.newContext()
	}
	w.bytes(n, (*Walker).feedContext, (*Walker).endContext)
	return nil
}

func (w *Walker) newHVM() *hvm.Checker {
	c := hvm.Config{Verify: w.strict, OnEntry: w.hvmEntry, VCPUs: w.xl.domain.MaxVCPUs, MaxEntries: w.maxEntries}
	if w.visit.HVMEntry != nil {
		c.Bodies = hvm.MaxBody
	}
	if w.finding != nil {
		c.OnFinding = func(e *frame.Error) error {
			w.finding(w.rebase(e))
			return nil
		}
	}
	return hvm.NewChecker(c)
}

func (w *Walker) hvmEntry(e hvm.Entry) error {
	e.Offset += w.sub.base
	w.contextEntryPassed(e.Offset, e.Offset+hvm.DescriptorSize+int64(e.Length), e.Type == hvm.End)
	if w.visit.HVMEntry != nil {
		w.visit.HVMEntry(e)
	}
	return nil
}

func (w *Walker) newContext() *context {
	c := &context{strict: w.strict, maxEntries: w.maxEntries, body: w.contextBody}
	c.first = func(h frame.Header) {
		if w.visit.ContextHeader != nil {
			w.visit.ContextHeader(w.sub.base, h)
		}
	}
	c.entry = func(e ContextEntry) {
		e.Offset += w.sub.base
		size := int64(e.Layout.DescriptorSize()) + int64(e.Length) + int64(e.Layout.PaddingAfter(e.Length))
		w.contextEntryPassed(e.Offset, e.Offset+size, e.Type == frame.End)
		if w.visit.ContextEntry != nil {
			w.visit.ContextEntry(e)
		}
	}
	if w.finding != nil {
		c.finding = func(e *frame.Error) { w.finding(w.rebase(e)) }
	}
	return c
}

// contextBody judges the body of an entry of a domain context by what the stream
// around it says.
func (w *Walker) contextBody(d frame.Descriptor, l frame.Layout, body []byte) error {
	if d.Type != frame.SharedInfoType || w.libxc.guest != libxc.PV || w.libxc.width == 0 {
		return nil
	}
	s, err := frame.DecodeSharedInfo(d, l, body)
	if err != nil || s.Narrow == (w.libxc.width == 4) {
		return nil // the error was reported
	}
	return &frame.Error{
		Layer: frame.Layer, Record: d.Name(l), Rule: libxc.RuleGuestWidth, What: "32-bit flag, by X86_PV_INFO",
		Wanted: flag(!s.Narrow), Got: flag(s.Narrow), Err: frame.ErrCorrupt,
	}
}

func flag(set bool) string {
	if set {
		return "set"
	}
	return "clear"
}

// contextEntryPassed keeps account of a context that is the whole stream: an
// entry that passed may leave, END may not.
func (w *Walker) contextEntryPassed(start, end int64, last bool) {
	switch {
	case !w.sub.whole():
	case last:
		w.safeEnd, w.completeAt = start, end
		if w.visit.Point != nil {
			w.visit.Point(Complete, end)
		}
	default:
		w.safeEnd = end
	}
}

func (w *Walker) feedContext(b []byte) error {
	if _, err := w.sub.check.Write(b); err != nil {
		return w.contextFailed(err)
	}
	return nil
}

// contextFailed reports an error of the context. Where the context is the body of
// a record, the rest of it can be passed over.
func (w *Walker) contextFailed(err error) error {
	var e *frame.Error
	if !errors.As(err, &e) {
		return err
	}
	e = w.rebase(e)
	if w.sub.whole() {
		return e
	}
	w.sub.check = nil
	w.take = nil
	return w.report(e)
}

// rebase gives the error a place in the stream.
func (w *Walker) rebase(e *frame.Error) *frame.Error {
	placed := *e
	placed.Offset += w.sub.base
	return &placed
}

// endContext is called behind a record's body that is a context.
func (w *Walker) endContext() error {
	if w.sub.check != nil {
		if err := w.closeContext(); err != nil {
			return err
		}
	}
	then := w.sub.then
	w.sub = subState{}
	return then(w)
}

func (w *Walker) closeContext() error {
	if err := w.sub.check.Close(); err != nil {
		return w.contextFailed(err)
	}
	return nil
}
