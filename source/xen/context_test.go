package xen_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// load reads a context as package source does for a loader, and gives what stops
// it, with the place.
func load(b []byte) error {
	r, err := source.NewReader(bytes.NewReader(b), source.WithMaxEntries(xen.DefaultMaxEntries))
	if err != nil {
		return err
	}
	for _, e := range r.All() {
		err = e
		if err != nil {
			return err
		}
	}
	return nil
}

func verify(b []byte) error {
	_, err := source.Verify(bytes.NewReader(b), source.CheckBodies(), source.WithMaxEntries(xen.DefaultMaxEntries))
	return err
}

// A domain context that is fed gets the same judgement as one that is read, in
// every vector, by itself and in a record.
func TestDomainContextsAreJudgedAsInSource(t *testing.T) {
	for _, set := range vectest.Sets(t) {
		for _, v := range set.Vectors {
			b := v.Bytes(t)
			if len(b) > 1<<20 {
				continue
			}
			compareJudges(t, fmt.Sprint(set.Layout, " ", v.Name), b)
		}
	}
}

func compareJudges(t *testing.T, name string, b []byte) {
	t.Helper()
	for s, judge := range map[xen.Strictness]func([]byte) error{xen.Load: load, xen.Verify: verify} {
		want := judge(b)
		for _, step := range []int{0, 1, 13} {
			_, got := walk(t, b, step, xen.WithStrictness(s), xen.WithKind(xen.DomainContext))
			if !sameVerdict(want, got) {
				t.Errorf("%s by %d, strictness %d:\nfed  %v\nread %v", name, step, s, got, want)
			}
		}
		// There is nothing to go on with behind what a loader refuses.
		_, got := walk(t, b, 0, xen.WithStrictness(s), xen.WithKind(xen.DomainContext), xen.WithFindings(func(*frame.Error) {}))
		if want := load(b); !sameVerdict(want, got) {
			t.Errorf("%s, strictness %d, all findings:\nfed  %v\nread %v", name, s, got, want)
		}
	}
}

// sameVerdict compares rule, place and sentinel.
func sameVerdict(want, got error) bool {
	var w, g *frame.Error
	if !errors.As(want, &w) || !errors.As(got, &g) {
		return want == nil && got == nil
	}
	return w.Rule == g.Rule && w.Err == g.Err && w.Offset == g.Offset && w.Index == g.Index && (w.Record == g.Record || w.Index == 0)
}

// What is wrong in a context inside a stream has the rule of the context's own
// page, and its place in the stream; the walk can go on behind it.
func TestContextsInStreams(t *testing.T) {
	for name, c := range map[string]struct {
		in    string
		rec   libxc.Type
		at    int // of the byte that is changed in the context
		to    byte
		rule  frame.Rule
		place int64 // in the context
		load  bool
	}{
		"domain context, magic":      {"pv4compact", libxc.DomainContext, 8, 0, frame.RuleMagic, 0, true},
		"domain context, first type": {"pv4wide", libxc.DomainContext, 0, 9, frame.RuleFirst, 0, true},
		"domain context, flags":      {"pv4wide", libxc.DomainContext, 24 + 16, 2, frame.RuleFlags, 24, false},
		"domain context, no END":     {"pv4wide", libxc.DomainContext, -16, 9, frame.RuleTruncated, 3240, true},
		"HVM context, magic":         {"hvm3", libxc.HVMContext, 8, 0, hvm.RuleMagic, 0, true},
		"HVM context, type":          {"hvm3", libxc.HVMContext, 32, 99, hvm.RuleType, 32, false},
		"HVM context, no END":        {"hvm3", libxc.HVMContext, -8, 19, hvm.RuleTooShort, 1072, true},
	} {
		p := made()[c.in]
		body := p.rec(c.rec).body
		base := int64(bytes.Index(p.bytes(), body))
		body[(c.at+len(body))%len(body)] = c.to
		var found []*frame.Error
		all := xen.WithFindings(func(e *frame.Error) { found = append(found, e) })
		_, verify := walk(t, p.bytes(), 7, xen.WithStrictness(xen.Verify))
		_, load := walk(t, p.bytes(), 0)
		w, err := walk(t, p.bytes(), 0, xen.WithStrictness(xen.Verify), all)
		var e *frame.Error
		switch {
		case !errors.As(verify, &e) || e.Rule != c.rule || e.Offset != base+c.place:
			t.Errorf("%s: %v, want %s at %d", name, verify, c.rule, base+c.place)
		case c.load != (ruleOf(t, load) == c.rule):
			t.Errorf("%s, load: %v", name, load)
		case err != nil || !w.Complete() || len(found) == 0 || found[0].Rule != c.rule || found[0].Offset != e.Offset:
			t.Errorf("%s, all: %v, %v", name, found, err)
		}
	}
}

// remus makes a stream of two checkpoints, which ends behind the second.
func remus() *parts {
	p := made()["hvm3"]
	i := p.index(libxc.End)
	again := cloneRecs(p.recs[p.index(libxc.PageData):i])
	p.recs[i].typ = uint32(libxc.Checkpoint)
	model := p.after[:2]
	p.after = append(p.after[:2:2], rec{typ: 4})
	p.after = append(p.after, again...)
	p.after = append(p.after, rec{typ: uint32(libxc.Checkpoint)})
	p.after = append(append(p.after, model...), rec{typ: 4})
	p.after = append(append(p.after, again...), rec{typ: uint32(libxc.End)})
	p.after = append(append(p.after, model...), rec{typ: 0})
	return p
}

// Proves: XS-70, XS-46.
func TestCheckpoints(t *testing.T) {
	p := remus()
	b := p.bytes()
	_, err := walk(t, b, 0)
	if ruleOf(t, err) != libxc.RuleCheckpoint || !errors.Is(err, frame.ErrUnsupported) {
		t.Errorf("a checkpoint in a plain stream: %v", err)
	}
	points := map[xen.Point]int{}
	v := xen.Visitor{Point: func(p xen.Point, _ int64) { points[p]++ }}
	for _, step := range []int{0, 1} {
		clear(points)
		w, err := walk(t, b, step, xen.WithStrictness(xen.Verify), xen.WithCheckpoints(), xen.WithVisitor(v))
		if err != nil {
			t.Fatal(err)
		}
		want := map[xen.Point]int{xen.Checkpoint: 2, xen.LibxcEnd: 1, xen.LibxlEnd: 1, xen.Complete: 1}
		if diff := cmp.Diff(want, points); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		first := int64(bytes.Index(b, rec{typ: uint32(libxc.Checkpoint)}.append(nil)))
		if w.Safe() != first {
			t.Errorf("%d bytes are let out, the first checkpoint begins at %d", w.Safe(), first)
		}
	}
	p.after[2].typ = 0 // END in the place of CHECKPOINT_END
	if _, err := walk(t, p.bytes(), 0, xen.WithCheckpoints()); ruleOf(t, err) != "XS-46" {
		t.Errorf("END within a checkpoint: %v", err)
	}
	// libxc's stream alone goes on behind a checkpoint.
	c := made()["pv3"]
	again := cloneRecs(c.recs[c.index(libxc.PageData):])
	c.recs[len(c.recs)-1].typ = uint32(libxc.Checkpoint)
	c.recs = append(c.recs, again...)
	if _, err := walk(t, c.libxc(nil), 0, xen.WithStrictness(xen.Verify), xen.WithCheckpoints()); err != nil {
		t.Errorf("libxc alone: %v", err)
	}
}

// What Xen's own verifier is known to let pass, and what it is known to refuse
// though it is good.
func TestKnownMissesOfTheOtherVerifier(t *testing.T) {
	strict := xen.WithStrictness(xen.Verify)
	for name, c := range map[string]struct {
		rule frame.Rule
		do   func(*parts)
	}{
		"big-endian libxl":         {"XS-32", func(p *parts) { p.libxl.Options = 1 }},
		"big-endian libxc":         {"XS-52", func(p *parts) { p.image.Options = 1 }},
		"reserved bits 16 to 31":   {"XS-33", func(p *parts) { p.libxl.Options = 0xffff0000 }},
		"bad xenstore data":        {"XS-43", store("odd\x00")},
		"trailing bytes":           {"XS-47", func(p *parts) { p.tail = []byte("more") }},
		"white space around JSON":  {"", func(p *parts) { p.config("\n " + `{"c_info":{"type":"hvm"}}` + "\n\x00") }},
		"good xenstore data":       {"", store("physmap/1/start_addr\x00f0000000\x00physmap/1/size\x00800000\x00")},
		"a clearance that follows": {"", func(p *parts) { p.tail = []byte("domain is yours, you are cleared to unpause\x00") }},
	} {
		p := made()["hvm3"]
		c.do(p)
		if _, err := walk(t, p.bytes(), 0, strict); ruleOf(t, err) != c.rule {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A stream that is of no use is named for what it is.
func TestRefusedByName(t *testing.T) {
	for want, do := range map[string]func(*parts){
		"a big-endian stream":           func(p *parts) { p.xl.ByteOrder = 0x04030201 },
		"a legacy stream":               func(p *parts) { p.xl.Mandatory = 1 },
		"a checkpoint of Remus or COLO": func(p *parts) { p.insert(libxc.End, rec{typ: 14}) },
		"the end of the input":          func(p *parts) { p.after = nil },
		"0xdead":                        func(p *parts) { p.insert(libxc.End, rec{typ: 0xdead}) },
	} {
		p := made()["hvm3"]
		do(p)
		if _, err := walk(t, p.bytes(), 0); err == nil || !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("%v, want it to say %q", err, want)
		}
	}
	if _, err := walk(t, made()["hvm3"].bytes()[:1000], 0); err == nil || !bytes.Contains([]byte(err.Error()), []byte("PAGE_DATA: the stream is cut")) {
		t.Errorf("within pages: %v", err)
	}
	if _, err := walk(t, made()["hvm3"].bytes()[:1], 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("one byte: %v", err)
	}
}
