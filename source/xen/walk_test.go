package xen_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// log is a Visitor that writes everything down. What comes in pieces is summed up
// so that the cut does not show.
type log struct {
	lines []string
	sum   map[place]uint64
}

// place is what comes in pieces: a body, entries or a page.
type place struct {
	what string
	at   int64
	id   uint64
}

func (l *log) say(format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// add sums bytes by place; order matters within one place only.
func (l *log) add(p place, at int64, b []byte) {
	s := l.sum[p]
	for i, x := range b {
		s = s*1099511628211 + uint64(x) ^ uint64(at+int64(i))
	}
	l.sum[p] = s
}

func (l *log) visitor() xen.Visitor {
	l.sum = make(map[place]uint64)
	return xen.Visitor{
		XL:        func(h xl.Header) { l.say("xl %+v", h) },
		Config:    func(off int64, d xen.Domain, text []byte) { l.say("config %d %+v %d", off, d, len(text)) },
		Libxl:     func(off int64, h libxl.Header) { l.say("libxl %d %+v", off, h) },
		Libxc:     func(off int64, i libxc.ImageHeader, d libxc.DomainHeader) { l.say("libxc %d %+v %+v", off, i, d) },
		Record:    func(r xen.Record) { l.say("record %+v", r) },
		RecordEnd: func(r xen.Record) { l.say("end %+v", r) },
		Body:      func(r xen.Record, at int64, b []byte) { l.add(place{"body", r.Offset, 0}, at, b) },
		Entries: func(r xen.Record, first int, e libxc.Entries) {
			l.add(place{"entries", r.Offset, 0}, int64(first*libxc.EntrySize), e)
		},
		Pages: func(g xen.Grid) { l.say("pages %+v %d", g, g.End()) },
		PageData: func(p xen.PagePiece) {
			l.add(place{"page", p.Offset, uint64(p.Entry)}, int64(p.At), p.Data)
		},
		HVMEntry:      func(e hvm.Entry) { l.say("hvm %d %d %v %d", e.Index, e.Offset, e.Name(), len(e.Body)) },
		ContextHeader: func(off int64, h frame.Header) { l.say("header %d %v", off, h) },
		ContextEntry:  func(e xen.ContextEntry) { l.say("entry %+v", e) },
		Point:         func(p xen.Point, off int64) { l.say("point %v %d", p, off) },
	}
}

// walk writes b in pieces of step bytes, 0 for all at once, and ends it.
func walk(tb testing.TB, b []byte, step int, opts ...xen.Option) (*xen.Walker, error) {
	tb.Helper()
	w, err := xen.New(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	if step == 0 {
		step = max(len(b), 1)
	}
	for len(b) > 0 && err == nil {
		n := min(step, len(b))
		_, err = w.Write(b[:n])
		b = b[n:]
	}
	if end := w.Close(); err == nil {
		err = end
	} else if end != err {
		tb.Errorf("Write gave %v, Close %v", err, end)
	}
	return w, err
}

// ruleOf gives the rule that an error reports, and demands that it is one of ours.
func ruleOf(tb testing.TB, err error) frame.Rule {
	tb.Helper()
	if err == nil {
		return ""
	}
	var e *frame.Error
	if !errors.As(err, &e) {
		tb.Fatalf("%v is no frame.Error", err)
	}
	return e.Rule
}

var strictnesses = map[string]xen.Strictness{"load": xen.Load, "verify": xen.Verify}

// Proves: XS-5.
func TestAnySplitIsTheSame(t *testing.T) {
	streams := map[string][]byte{}
	for name, p := range made() {
		streams[name] = p.bytes()
		streams[name+" libxl"] = streams[name][xl.HeaderSize+len(p.data):]
		streams[name+" libxc"] = p.libxc(nil)
		bad := p.clone()
		bad.insert(libxc.End, rec{typ: 1<<31 | 7, body: []byte{1}, pad: 1})
		bad.libxl.Options = 1 << 20
		streams[name+" bad"] = bad.bytes()
		streams[name+" cut"] = streams[name][:len(streams[name])*2/3]
	}
	streams["domain context"] = domainContext(frame.Wide)
	streams["compact context"] = domainContext(frame.Compact)
	streams["hvm context"] = hvmContext()
	for _, name := range []string{"domain context", "compact context", "hvm context"} {
		streams[name+", more behind"] = append(bytes.Clone(streams[name]), make([]byte, 20)...)
	}
	streams["opaque"] = []byte("Xen saved domain, xl formal and more")
	for name, b := range streams {
		for _, s := range strictnesses {
			steps := []int{1, 2, 3, 7, 13, 97, 1009, 4099}
			compareSplits(t, name, b, s, steps)
		}
	}
	steps := []int{1, 7919, 65536}
	if raceEnabled {
		steps = steps[1:] // byte by byte takes long, and shows no race
	}
	for _, s := range vectest.Streams(t) {
		compareSplits(t, s.Name, s.Bytes, xen.Verify, steps)
	}
}

func compareSplits(t *testing.T, name string, b []byte, s xen.Strictness, steps []int) {
	t.Helper()
	run := func(step int) (*log, string, *xen.Walker) {
		l := &log{}
		findings := func(e *frame.Error) { l.say("finding %v", e) }
		w, err := walk(t, b, step, xen.WithStrictness(s), xen.WithVisitor(l.visitor()), xen.WithFindings(findings))
		return l, fmt.Sprint(err), w
	}
	want, wantErr, whole := run(0)
	for _, step := range steps {
		got, err, w := run(step)
		if diff := cmp.Diff(want.lines, got.lines); diff != "" {
			t.Fatalf("%s by %d (-whole +pieces):\n%s", name, step, diff)
		}
		if diff := cmp.Diff(want.sum, got.sum); diff != "" {
			t.Fatalf("%s by %d (-whole +pieces):\n%s", name, step, diff)
		}
		if err != wantErr || w.Safe() != whole.Safe() || w.Kind() != whole.Kind() || w.Complete() != whole.Complete() {
			t.Fatalf("%s by %d: %v, want %v", name, step, err, wantErr)
		}
	}
}

// told is what a visitor is told of a stream with everything in it, in order.
const told = "xl, config, libxl, record LIBXC_CONTEXT, end LIBXC_CONTEXT, libxc, " +
	"record X86_CPUID_POLICY, end X86_CPUID_POLICY, record X86_MSR_POLICY, end X86_MSR_POLICY, record STATIC_DATA_END, end STATIC_DATA_END, " +
	"record PAGE_DATA, pages, end PAGE_DATA, record PAGE_DATA, pages, end PAGE_DATA, record PAGE_DATA, pages, end PAGE_DATA, " +
	"record DOMAIN_CONTEXT, header, entry, entry, entry, entry, end DOMAIN_CONTEXT, " +
	"record HVM_CONTEXT, hvm, hvm, hvm, end HVM_CONTEXT, record HVM_PARAMS, end HVM_PARAMS, " +
	"point, record END, end END, record END, point, end END, point"

// A visitor is told of all that passes, and once.
func TestVisitorIsTold(t *testing.T) {
	p := made()["pvh4"]
	l := &log{}
	if _, err := walk(t, p.bytes(), 0, xen.WithVisitor(l.visitor())); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, line := range l.lines {
		word, rest, _ := strings.Cut(line, " ")
		if word == "record" || word == "end" {
			_, rest, _ = strings.Cut(rest, "Name:")
			word += " " + strings.Fields(rest)[0]
		}
		got = append(got, word)
	}
	if diff := cmp.Diff(strings.Split(told, ", "), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	sums := map[string]int{}
	for p := range l.sum {
		sums[p.what]++
	}
	want := map[string]int{"body": 5, "entries": 3, "page": 3}
	if diff := cmp.Diff(want, sums); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Without findings the walk stops at the same error, however it is cut.
//
// Proves: XS-5.
func TestAnySplitStopsAtTheSame(t *testing.T) {
	for name, p := range made() {
		bad := p.clone()
		bad.recs[len(bad.recs)-1].body = make([]byte, 8) // END that is not empty
		b := bad.bytes()
		_, want := walk(t, b, 0, xen.WithStrictness(xen.Verify))
		if rule := ruleOf(t, want); rule != libxc.RuleEmpty {
			t.Fatalf("%s: %v", name, want)
		}
		for _, step := range []int{1, 5, 64, 1021} {
			if _, err := walk(t, b, step, xen.WithStrictness(xen.Verify)); fmt.Sprint(err) != fmt.Sprint(want) {
				t.Errorf("%s by %d: %v, want %v", name, step, err, want)
			}
		}
	}
}

// Proves: XS-4.
func TestMisuse(t *testing.T) {
	for _, o := range []xen.Option{
		xen.WithStrictness(9), xen.WithKind(xen.Opaque), xen.WithKind(99), xen.WithMaxPFN(1 << 60), xen.WithMaxEntries(1),
	} {
		if w, err := xen.New(o); w != nil || !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("%v, want misuse", err)
		}
	}
	b := made()["pv3"].bytes()
	w, err := walk(t, b, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := w.Write([]byte{1}); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("Write after Close: %v", err)
	}
	if err := w.Close(); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("the misuse does not stick: %v", err)
	}
	w, _ = xen.New()
	if err := w.Skip(1); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("Skip of what has to be seen: %v", err)
	}
	if _, err := w.Write(b); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("the misuse does not stick: %v", err)
	}
	if err := w.Skip(0); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("Skip after the misuse: %v", err)
	}
}

// What nobody looks at can go past the walker.
//
// Proves: XS-4.
func TestSkip(t *testing.T) {
	for name, p := range made() {
		b := append(p.bytes(), xl.Clearance...)
		w, err := xen.New(xen.WithStrictness(xen.Verify))
		skipped := int64(0)
		for rest := b; len(rest) > 0 && err == nil; {
			n := min(w.Skippable(), int64(len(rest)))
			if n > 0 {
				err = w.Skip(n)
				skipped += n
			} else {
				n = 1
				_, err = w.Write(rest[:1])
			}
			rest = rest[n:]
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil || skipped < 3*libxc.PageSize || w.Offset() != int64(len(b)) {
			t.Errorf("%s: skipped %d, at %d: %v", name, skipped, w.Offset(), err)
		}
		if k, n := w.Trailing(); k != xen.ClearanceFollows || n != 44 {
			t.Errorf("%s: trailing %v, %d bytes", name, k, n)
		}
	}
}

// Proves: XS-3.
func TestEveryCut(t *testing.T) {
	for name, p := range made() {
		b := p.bytes()
		for _, c := range []struct {
			kind string
			b    []byte
		}{{"xl", b}, {"libxl", b[xl.HeaderSize+len(p.data):]}, {"libxc", p.libxc(nil)}} {
			for n := range c.b {
				if n > 5000 && n < len(c.b)-9000 && n%61 != 0 {
					continue // within pages
				}
				var at xen.Record // the record that the cut is in or behind
				open := false
				v := xen.Visitor{Record: func(r xen.Record) { at, open = r, true }, RecordEnd: func(xen.Record) { open = false }}
				w, err := walk(t, c.b[:n], 4096, xen.WithVisitor(v))
				var e *frame.Error
				if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &e) || e.Rule != xen.RuleTruncated {
					t.Fatalf("%s %s cut at %d: %v", name, c.kind, n, err)
				}
				if e.Record == "" || e.Layer == "" || e.Offset > int64(n) || w.Complete() {
					t.Fatalf("%s %s cut at %d has no place: %v", name, c.kind, n, err)
				}
				if inAt := e.Record == at.Name && e.Offset == at.Offset && e.Index == at.Index; inAt != open && at.Layer != "" {
					t.Fatalf("%s %s cut at %d, in or behind %s at %d: %v", name, c.kind, n, at.Name, at.Offset, err)
				}
				if k, behind := w.Trailing(); k != xen.NothingFollows || behind != 0 {
					t.Fatalf("%s %s cut at %d: trailing %v, %d bytes", name, c.kind, n, k, behind)
				}
			}
			if _, err := walk(t, c.b, 0); err != nil {
				t.Fatalf("%s %s: %v", name, c.kind, err)
			}
		}
	}
}

// Proves: XS-3.
func TestEveryCutOfAContext(t *testing.T) {
	for name, b := range map[string][]byte{
		"wide": domainContext(frame.Wide), "compact": domainContext(frame.Compact), "hvm": hvmContext(),
	} {
		for n := range b {
			_, err := walk(t, b[:n], 0)
			if !errors.Is(err, io.ErrUnexpectedEOF) || ruleOf(t, err) == "" {
				t.Fatalf("%s cut at %d: %v", name, n, err)
			}
		}
		if w, err := walk(t, b, 0); err != nil || !w.Complete() {
			t.Fatalf("%s: %v", name, err)
		}
	}
}
