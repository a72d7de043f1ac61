package source_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/sink"
	"github.com/ctxpipe/ctxpipe/source"
)

var (
	layouts = []frame.Layout{frame.Compact, frame.Wide}
	xen415  = frame.XenVersion{Major: 4, Minor: 15}
	errBoom = errors.New("boom")
)

// item is an entry to be made.
type item struct {
	typ      frame.Type
	instance uint32
	body     []byte
}

// make1 saves a good context of the items.
func make1(tb testing.TB, l frame.Layout, items ...item) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := sink.NewStaged(&b, sink.WithLayout(l), sink.WithXen(xen415), sink.WithHoldLimit(1<<30))
	for _, i := range items {
		if err == nil {
			err = w.Entry(i.typ, i.instance, i.body)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// pattern gives n bytes, none of them zero, that do not repeat soon.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(1 + i*7%251)
	}
	return b
}

// wire encodes a descriptor without asking whether it is a good one.
func wire(l frame.Layout, typ, instance uint32, length uint64) []byte {
	le := binary.LittleEndian
	if l == frame.Wide {
		b := le.AppendUint32(nil, typ)
		b = le.AppendUint32(b, instance)
		return le.AppendUint64(b, length)
	}
	b := le.AppendUint16(nil, uint16(typ))
	b = le.AppendUint16(b, uint16(instance))
	return le.AppendUint32(b, uint32(length))
}

// first gives HEADER or START.
func first(tb testing.TB, l frame.Layout) []byte {
	tb.Helper()
	b, err := frame.Header{Layout: l, Xen: xen415}.Append(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// last gives END.
func last(l frame.Layout) []byte { return wire(l, 0, 0, 0) }

// join puts pieces behind HEADER or START.
func join(tb testing.TB, l frame.Layout, pieces ...[]byte) []byte {
	tb.Helper()
	return append(first(tb, l), bytes.Join(pieces, nil)...)
}

func newReader(tb testing.TB, r io.Reader, opts ...source.Option) *source.Reader {
	tb.Helper()
	got, err := source.NewReader(r, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// next gives the next entry, which must be there.
func next(tb testing.TB, r *source.Reader) source.Entry {
	tb.Helper()
	e, err := r.Next()
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// entryOf gives the only entry of a context with that body.
func entryOf(tb testing.TB, l frame.Layout, body []byte) (*source.Reader, source.Entry) {
	tb.Helper()
	r := newReader(tb, bytes.NewReader(make1(tb, l, item{9, 3, body})))
	return r, next(tb, r)
}

// walk reads every body whole and ends every entry strictly.
func walk(r *source.Reader) error {
	for {
		e, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			_, err = e.WriteTo(io.Discard)
		}
		if err == nil {
			err = e.End(source.EndStrict)
		}
		if err != nil {
			return err
		}
	}
}

// wantError holds err against a sentinel and the id of a rule.
func wantError(t *testing.T, err, sentinel error, rule frame.Rule) *frame.Error {
	t.Helper()
	var e *frame.Error
	switch {
	case !errors.Is(err, sentinel):
		t.Fatalf("got %v, want %v in it", err, sentinel)
	case !errors.As(err, &e):
		t.Fatalf("%v has no place", err)
	case e.Rule != rule:
		t.Fatalf("%v: want rule %s", err, rule)
	}
	return e
}

// sample is a good context by name.
type sample struct {
	name   string
	layout frame.Layout
	bytes  []byte
}

// samples gives small contexts of both layouts that load: those that the
// reference wrote, one of every length around the alignment, and one of all
// that a loader puts up with.
func samples(tb testing.TB) []sample {
	tb.Helper()
	var all []sample
	for _, s := range vectest.Sets(tb) {
		for _, v := range s.Vectors {
			if v.Valid() && v.Size < 8192 {
				all = append(all, sample{fmt.Sprintf("%v/%s", s.Layout, v.Name), s.Layout, v.Bytes(tb)})
			}
		}
		var items []item
		for n := range 18 {
			items = append(items, item{5, uint32(n), pattern(n)})
		}
		all = append(all, sample{s.Layout.String() + "/lengths", s.Layout, make1(tb, s.Layout, items...)})
	}
	c := frame.Compact
	long := append(wire(c, 1, 0, 24), append(first(tb, c)[8:], make([]byte, 8)...)...)
	odd := bytes.Join([][]byte{long, wire(c, 5, 0, 3), pattern(3), wire(c, 4, 0, 0), wire(c, 0, 0, 8), make([]byte, 8)}, nil)
	return append(all, sample{"compact/tolerated", c, odd})
}

// split gives the offsets at which an entry begins, and that behind END.
func split(tb testing.TB, b []byte) []int {
	tb.Helper()
	r := newReader(tb, bytes.NewReader(b), source.WithMarks())
	var at []int
	for e, err := range r.All() {
		if err != nil {
			tb.Fatal(err)
		}
		at = append(at, int(e.Offset()))
	}
	return append(at, len(b))
}
