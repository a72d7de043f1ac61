package xen_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// Limits are the caller's, and hold for what is just above them.
//
// Proves: XS-6.
func TestLimits(t *testing.T) {
	p := made()["hvm3"]
	config, model, pfn := p.xl.DataLength, uint32(len(p.after[0].body)), uint64(4)
	for _, c := range []struct {
		name    string
		fits    xen.Option
		exceeds xen.Option
		rule    frame.Rule
	}{
		{"configuration", xen.WithMaxConfig(config), xen.WithMaxConfig(config - 1), xl.RuleDataLimit},
		{"record", xen.WithMaxRecord(model), xen.WithMaxRecord(model - 1), libxl.RuleLimit},
		{"pfn", xen.WithMaxPFN(pfn), xen.WithMaxPFN(pfn - 1), libxc.RulePFN},
		{"entries", xen.WithMaxEntries(3), xen.WithMaxEntries(2), hvm.RuleLimit},
	} {
		if _, err := walk(t, p.bytes(), 0, c.fits); err != nil {
			t.Errorf("%s fits: %v", c.name, err)
		}
		if _, err := walk(t, p.bytes(), 0, c.exceeds); ruleOf(t, err) != c.rule {
			t.Errorf("%s exceeds: %v", c.name, err)
		}
	}
	pv := made()["pv4wide"].bytes()
	if _, err := walk(t, pv, 0, xen.WithMaxPFN(510)); ruleOf(t, err) != libxc.RulePFN || !errors.Is(err, frame.ErrTooLarge) {
		t.Errorf("p2m exceeds: %v", err)
	}
	if _, err := walk(t, pv, 0, xen.WithMaxEntries(3)); ruleOf(t, err) != frame.RuleLimit || !errors.Is(err, frame.ErrTooLarge) {
		t.Errorf("domain context exceeds: %v", err)
	}
}

// Lengths and counts are no reason to take memory, with every visitor there.
//
// Proves: XS-6.
func TestMemoryIsBounded(t *testing.T) {
	var v xen.Visitor
	v.Entries = func(xen.Record, int, libxc.Entries) {}
	v.PageData = func(xen.PagePiece) {}
	v.Body = func(xen.Record, int64, []byte) {}
	v.HVMEntry = func(hvm.Entry) {}
	piece := make([]byte, 1<<20)
	entries := bytes.Repeat(libxc.NewEntry(1, libxc.NoTab).Append(nil), len(piece)/8)
	record := func(t libxc.Type, n uint32) []byte { return libxc.RecordHeader{Type: t, Length: n}.Append(nil) }
	hvmStream := made()["pvh4"]
	p := hvmStream.clone()
	p.recs = p.recs[:p.index(libxc.PageData)]
	const most = libxc.MaxRecord
	for name, c := range map[string]struct {
		head []byte
		fill []byte
	}{
		"entries":         {append(record(libxc.PageData, most), libxc.PageDataHeader{Count: most/8 - 1}.Append(nil)...), entries},
		"holes":           {append(record(libxc.PageData, most), libxc.PageDataHeader{Count: most/8 - 1}.Append(nil)...), bytes.Repeat([]byte{0xff}, len(piece))},
		"optional record": {record(libxc.Optional, most), piece},
		"HVM context": {append(record(libxc.HVMContext, most),
			hvm.AppendEntry(nil, hvm.HeaderType, 0, hvm.Header{Magic: hvm.Magic, Version: 1}.Append(nil))...), piece},
		"domain context": {append(append(record(libxc.DomainContext, most), domainContext(frame.Wide)[:24]...),
			"\x02\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\x07\x00\x00\x00\x00"...), piece},
	} {
		head := append(p.libxc(nil), c.head...)
		findings := 0
		w, err := xen.New(xen.WithVisitor(v), xen.WithStrictness(xen.Verify), xen.WithFindings(func(*frame.Error) { findings++ }))
		if err == nil {
			_, err = w.Write(head)
		}
		before := allocated()
		for range 100 {
			if err == nil {
				_, err = w.Write(c.fill)
			}
		}
		if took := allocated() - before; took > 3<<20 || findings > 10 {
			t.Errorf("%s: %d bytes for 100 MiB, %d findings, %v", name, took, findings, err)
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// A steady walk takes no memory for a record.
//
// Proves: XS-6.
func TestNoAllocationForARecord(t *testing.T) {
	var passed int
	v := xen.Visitor{
		Record: func(xen.Record) { passed++ }, RecordEnd: func(xen.Record) { passed++ },
		Entries:  func(xen.Record, int, libxc.Entries) { passed++ },
		Pages:    func(xen.Grid) { passed++ },
		PageData: func(xen.PagePiece) { passed++ },
	}
	p := made()["hvm3"]
	i := p.index(libxc.PageData)
	tail := libxc.AppendRecord(nil, libxc.Optional|5, []byte("12345"))
	batch := append(p.recs[i].append(nil), tail...)
	p.recs = p.recs[:i+1]
	for _, s := range strictnesses {
		findings := xen.WithFindings(func(*frame.Error) {})
		if s == xen.Verify {
			batch = p.recs[i].append(nil)
		}
		w, _ := xen.New(xen.WithVisitor(v), xen.WithStrictness(s), findings)
		_, err := w.Write(p.libxc(nil))
		n := testing.AllocsPerRun(100, func() {
			for b := batch; len(b) > 0 && err == nil; b = b[min(len(b), 1000):] {
				_, err = w.Write(b[:min(len(b), 1000)])
			}
		})
		if n != 0 || err != nil {
			t.Errorf("%v allocations a record, %v", n, err)
		}
	}
}

// What pages and bodies hold does not get into an error.
//
// Proves: XS-7.
func TestErrorsKeepSecrets(t *testing.T) {
	const secret = "hunter2secret"
	for name, p := range made() {
		for _, m := range mutations {
			if m.do == nil || m.when != nil && !m.when(p) {
				continue
			}
			bad := p.clone()
			m.do(bad)
			for i := range bad.recs {
				if r := &bad.recs[i]; libxc.Type(r.typ) == libxc.PageData && len(r.body) > 4096 {
					copy(r.body[len(r.body)-4096:], strings.Repeat(secret, 300))
				}
			}
			var all strings.Builder
			findings := func(e *frame.Error) { fmt.Fprintln(&all, e) }
			_, err := walk(t, bad.bytes(), 0, xen.WithStrictness(xen.Verify), xen.WithFindings(findings))
			if s := fmt.Sprint(err, all.String()); strings.Contains(s, secret[:5]) {
				t.Errorf("%s %s: %s", name, m.rule, s)
			}
		}
	}
}
