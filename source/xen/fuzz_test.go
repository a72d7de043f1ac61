package xen_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// What a walker reports does not depend on how the stream is cut; what verifies
// loads; and every beginning of what loads is a cut stream.
func FuzzWalker(f *testing.F) {
	for name, p := range made() {
		if name[:2] == "pv" && name != "pvh4" {
			continue // too large; FuzzDamage has them
		}
		small(p)
		f.Add(p.bytes(), uint16(100))
		f.Add(p.libxc(nil), uint16(3))
	}
	f.Add(hvmContext()[:32], uint16(1))
	f.Add(smallContext(frame.Wide), uint16(1))
	f.Fuzz(func(t *testing.T, b []byte, step uint16) {
		if len(b) > 4096 {
			t.Skip("as good as a shorter one, and slower")
		}
		var load error
		for _, s := range []xen.Strictness{xen.Load, xen.Verify} {
			opts := []xen.Option{xen.WithStrictness(s), xen.WithCheckpoints(), xen.WithMaxEntries(100)}
			whole, wantErr := walk(t, b, 0, opts...)
			pieces, err := walk(t, b, int(step), opts...)
			damaged := err != nil && !errors.Is(err, io.ErrUnexpectedEOF) // then Safe stays where it happens to be
			if fmt.Sprint(err) != fmt.Sprint(wantErr) || !damaged && whole.Safe() != pieces.Safe() {
				t.Fatalf("%v, %d are let out; by %d: %v, %d", wantErr, whole.Safe(), step, err, pieces.Safe())
			}
			if whole.Safe() > int64(len(b)) || whole.Complete() && err == nil && whole.Safe() == int64(len(b)) {
				t.Fatalf("%d of %d bytes are let out", whole.Safe(), len(b))
			}
			compareAll(t, b, int(step), opts)
			if s == xen.Load {
				load = err
			} else if err == nil && load != nil {
				t.Fatalf("it verifies, and does not load: %v", load)
			}
		}
		if load != nil {
			return
		}
		w, _ := walk(t, b, 0, xen.WithCheckpoints(), xen.WithMaxEntries(100))
		_, trailing := w.Trailing()
		if n := int64(step) % (int64(len(b)) - trailing); n > 0 {
			if _, err := walk(t, b[:n], 0, xen.WithCheckpoints(), xen.WithMaxEntries(100)); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%d bytes of it: %v", n, err)
			}
		}
	})
}

// small leaves a stream with nothing but what it needs.
func small(p *parts) {
	p.config(`{"c_info":{"type":"pvh"}}` + "\x00")
	p.drop(libxc.PageData)
	p.addPages(0, libxc.XTab, libxc.XAlloc, libxc.XTab)
	pages := p.recs[len(p.recs)-1]
	p.recs = p.recs[:len(p.recs)-1]
	if p.has(libxc.DomainContext) {
		p.rec(libxc.DomainContext).body = smallContext(frame.Wide)
		p.insert(libxc.DomainContext, pages)
	} else {
		p.insert(libxc.TSCInfoType, pages)
	}
	p.after = p.after[len(p.after)-1:]
}

// smallContext is a domain context of two short entries.
func smallContext(l frame.Layout) []byte {
	b, err := frame.Header{Layout: l}.Append(nil)
	for _, d := range []frame.Descriptor{{Type: 3, Length: 24}, {Type: 4, Instance: 1, Length: l.StoredLength(5)}, {}} {
		if err == nil {
			b, err = d.Append(b, l)
		}
		b = append(b, make([]byte, (d.Length+7)&^7)...)
	}
	if err != nil {
		panic(err)
	}
	return b
}

// compareAll compares events and findings of both ways to cut.
func compareAll(t *testing.T, b []byte, step int, opts []xen.Option) {
	var logs [2]*log
	for i, step := range []int{0, step} {
		l := &log{}
		logs[i] = l
		findings := func(e *frame.Error) { l.say("finding %v", e) }
		_, err := walk(t, b, step, append(opts[:len(opts):len(opts)], xen.WithVisitor(l.visitor()), xen.WithFindings(findings))...)
		l.say("%v", err)
	}
	if diff := cmp.Diff(logs[0].lines, logs[1].lines); diff != "" {
		t.Fatalf("by %d (-whole +pieces):\n%s", step, diff)
	}
	if diff := cmp.Diff(logs[0].sum, logs[1].sum); diff != "" {
		t.Fatalf("by %d (-whole +pieces):\n%s", step, diff)
	}
}

// One changed byte of a good stream is refused, or has no effect on where the
// stream ends; a walker that goes on behind it reports the same as one that
// stops, first.
func FuzzDamage(f *testing.F) {
	streams := made()
	names := []string{"pv2", "pv3", "pv4compact", "pv4wide", "hvm2", "hvm3", "pvh4"}
	for i := range names {
		f.Add(uint8(i), uint32(40+i), uint8(1), uint16(9))
		f.Add(uint8(i), uint32(1000*i), uint8(0x80), uint16(1))
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint32, flip uint8, step uint16) {
		b := streams[names[int(which)%len(names)]].bytes()
		b[int(at)%len(b)] ^= flip
		w, err := walk(t, b, int(step), xen.WithStrictness(xen.Verify))
		if err == nil && (!w.Complete() || w.Offset() != int64(len(b))) {
			t.Fatalf("passes at %d of %d", w.Offset(), len(b))
		}
		var first *frame.Error
		_, end := walk(t, b, 0, xen.WithStrictness(xen.Verify), xen.WithFindings(func(e *frame.Error) {
			if first == nil {
				first = e
			}
		}))
		if first == nil {
			if fmt.Sprint(end) != fmt.Sprint(err) {
				t.Fatalf("without findings %v, with them %v", err, end)
			}
		} else if fmt.Sprint(first) != fmt.Sprint(err) {
			t.Fatalf("stops at %v, goes on behind %v", err, first)
		}
	})
}

// A domain context that is fed is judged as one that is read.
func FuzzDomainContext(f *testing.F) {
	f.Add(smallContext(frame.Wide))
	f.Add(smallContext(frame.Compact))
	f.Add(append(smallContext(frame.Compact), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4096 {
			t.Skip("as good as a shorter one, and slower")
		}
		compareJudges(t, "fuzzed", b)
	})
}

// Once decided, more bytes do not change the kind.
func FuzzRecognise(f *testing.F) {
	for _, b := range ofKinds() {
		f.Add(b[:min(len(b), 40)])
	}
	f.Add(domainContext(frame.Compact)[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		want, decided := xen.Recognise(b)
		if len(b) >= xen.RecogniseSize && !decided {
			t.Fatal("undecided")
		}
		settled := false
		for n := range b {
			k, d := xen.Recognise(b[:n])
			if settled && !d || d && (!decided || k != want) {
				t.Fatalf("%v, %v of %d bytes; %v, %v of all", k, d, n, want, decided)
			}
			settled = d
		}
	})
}
