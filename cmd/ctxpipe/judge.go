package main

import (
	"bufio"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// judge reads a payload to its end and says what it is. Domain contexts have a
// verifier of their own, which can look into bodies.
func (f *verifyFlags) judge(payload io.Reader) (verdict, error) {
	r := bufio.NewReaderSize(payload, 256<<10)
	first, err := r.Peek(xen.RecogniseSize)
	if err != nil && err != io.EOF {
		return verdict{}, err
	}
	if kind, decided := xen.Recognise(first); decided && kind == xen.DomainContext && !f.all {
		return f.judgeContext(r)
	}
	return f.judgeStream(r)
}

func (f *verifyFlags) judgeContext(r io.Reader) (verdict, error) {
	var opts []source.Option
	if f.bodies {
		opts = append(opts, source.CheckBodies())
	}
	rep, err := source.Verify(r, opts...)
	if err != nil {
		return verdict{}, err
	}
	xenOf := &xenVersion{rep.Header.Xen.Major, rep.Header.Xen.Minor}
	return verdict{
		Kind: xen.DomainContext.String(), Layout: rep.Header.Layout.String(), Xen: xenOf,
		Entries: rep.Entries, Bytes: rep.Bytes,
	}, nil
}

// judgeStream walks over everything. With --all the first finding is the error, if
// nothing else ends the walk.
func (f *verifyFlags) judgeStream(r io.Reader) (v verdict, err error) {
	opts := []xen.Option{xen.WithStrictness(xen.Verify), xen.WithVisitor(xen.Visitor{
		Config: func(_ int64, d xen.Domain, _ []byte) { v.Domain = &domain{d.Name, d.Type} },
		Record: func(xen.Record) { v.Records++ },
		Pages:  func(g xen.Grid) { v.Pages += int64(g.Pages) },
	})}
	var first error
	if f.all {
		opts = append(opts, xen.WithFindings(func(e *frame.Error) {
			if first == nil {
				first = e
			}
			if len(v.Findings) < mostFindings {
				v.Findings = append(v.Findings, *problemOf(e))
			} else {
				v.More++
			}
		}))
	}
	w, err := xen.New(opts...)
	if err != nil {
		return v, err
	}
	if _, err = io.Copy(w, r); err == nil {
		err = w.Close()
	}
	v.Kind, v.Bytes = w.Kind().String(), w.Offset()
	if err == nil {
		err = first
	}
	v.Trailing = trailing(w)
	return v, err
}

// trailing says in words what follows a stream.
func trailing(w *xen.Walker) string {
	switch what, n := w.Trailing(); what {
	case xen.ClearanceFollows:
		return "the message that clears a migrated guest"
	case xen.OtherFollows:
		return count(n, "other byte", "other bytes")
	}
	return ""
}
