package hvm_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
)

// smallEntries leaves the entries out of a context that are large: fuzzing is
// quick on short inputs only.
func smallEntries(f *testing.F, ctx []byte) []byte {
	events, err := check(hvm.Config{Bodies: 64}, ctx, 0)
	if err != nil {
		f.Fatal(err)
	}
	var small []byte
	for _, e := range events {
		if e.Length <= 64 {
			small = hvm.AppendEntry(small, e.Type, e.Instance, []byte(e.Body))
		}
	}
	return small
}

// Whatever the bytes: no panic, any split says the same, what passes
// re-encodes to the same bytes, and what a verifier passes a loader passes.
//
// Proves: HV-13.
func FuzzChecker(f *testing.F) {
	for _, ctx := range realContexts(f) {
		f.Add(smallEntries(f, ctx), uint16(7))
	}
	f.Add(build(header, zeros(hvm.CPUType, 0, 64), msrs(0, 1), end), uint16(3))
	f.Add(build(header, end, end), uint16(1))
	f.Fuzz(func(t *testing.T, ctx []byte, step uint16) {
		load := hvm.Config{Bodies: hvm.MaxBody}
		events, err := check(load, ctx, 0)
		split, splitErr := check(load, ctx, 1+int(step))
		if diff := cmp.Diff(events, split); diff != "" || fmt.Sprint(err) != fmt.Sprint(splitErr) {
			t.Errorf("by %d: %v, want %v, %s", 1+int(step), splitErr, err, diff)
		}
		if err == nil {
			var again []byte
			for _, e := range events {
				again = hvm.AppendEntry(again, e.Type, e.Instance, []byte(e.Body))
			}
			if !bytes.HasPrefix(ctx, again) || !frame.IsZero(ctx[len(again):]) {
				t.Error("what passed does not re-encode")
			}
		}
		if _, strict := check(hvm.Config{Verify: true}, ctx, 1+int(step)); strict == nil && err != nil {
			t.Errorf("verify passes what load refuses: %v", err)
		}
	})
}

// Whatever the bytes: no panic, and what decodes re-encodes to bytes that
// decode to the same.
func FuzzDecoders(f *testing.F) {
	for name := range realContexts(f) {
		for _, body := range bodies(f, name) {
			f.Add(body)
		}
	}
	f.Add(xsave(0, 7).body)
	f.Add(msrs(0, 1).body)
	f.Fuzz(func(t *testing.T, body []byte) {
		c := hvm.DecodeCPU(body)
		if hvm.DecodeCPU(c.Append(nil)) != c {
			t.Error("CPU")
		}
		_, _, _ = c.Mode(), c.CPL(), c.PagingLevels()
		_, _ = c.Pending()
		if l := hvm.DecodeLAPIC(body); hvm.DecodeLAPIC(l.Append(nil)) != l {
			t.Error("LAPIC")
		}
		if h, err := hvm.DecodeHeader(body); err == nil && !bytes.Equal(h.Append(nil), body[:hvm.HeaderSize]) {
			t.Error("HEADER")
		}
		if x, err := hvm.DecodeXSAVE(body); err == nil {
			if again, err := hvm.DecodeXSAVE(x.Append(nil)); err != nil || again != x {
				t.Error("CPU_XSAVE")
			}
		}
		if m, err := hvm.DecodeMSRs(body); err == nil {
			if again, err := hvm.DecodeMSRs(hvm.AppendMSRs(nil, m)); err != nil || !cmp.Equal(again, m) {
				t.Error("CPU_MSR")
			}
		}
	})
}
