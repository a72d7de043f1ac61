package hvm_test

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
)

// What another parser found in the same streams: type, instance, length.
var realEntries = map[string]string{
	"hvm.ctx":      "1.0.24 2.0.1032 3.0.8 3.1.8 4.0.400 5.0.24 6.0.1024 7.0.16 8.0.8 9.0.8 10.0.56 11.0.24 12.0.1048 13.0.8 14.0.240 18.0.32 19.0.8 0.0.0",
	"pvh.ctx":      "1.0.24 2.0.1032 5.0.24 6.0.1024 7.0.16 8.0.8 9.0.8 14.0.240 18.0.32 19.0.8 0.0.0",
	"pvh-live.ctx": "1.0.24 2.0.1032 5.0.24 6.0.1024 7.0.16 8.0.8 9.0.8 14.0.240 18.0.32 19.0.8 0.0.0",
}

// The strictest rules hold for what a real Xen writes, and entries re-encode
// to the same bytes.
//
// Proves: HV-1.
func TestRealContexts(t *testing.T) {
	for name, ctx := range realContexts(t) {
		events, err := check(hvm.Config{Verify: true, Bodies: hvm.MaxBody, VCPUs: 1}, ctx, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var found []string
		var again []byte
		for i, e := range events {
			found = append(found, fmt.Sprintf("%d.%d.%d", e.Type, e.Instance, e.Length))
			if e.Index != i || e.Offset != int64(len(again)) {
				t.Errorf("%s: %s has index %d, offset %d, want %d, %d", name, e.Name(), e.Index, e.Offset, i, len(again))
			}
			again = hvm.AppendEntry(again, e.Type, e.Instance, []byte(e.Body))
		}
		if diff := cmp.Diff(realEntries[name], strings.Join(found, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if !bytes.Equal(again, ctx) {
			t.Errorf("%s does not re-encode to the same bytes", name)
		}
	}
}

// Proves: HV-13.
func TestAnySplitIsTheSame(t *testing.T) {
	contexts := realContexts(t)
	contexts["trailing"] = append(bytes.Clone(contexts["pvh.ctx"]), 0, 0, 0, 1, 2)
	contexts["cut"] = contexts["pvh.ctx"][:1500]
	contexts["damaged"] = bytes.Clone(contexts["pvh.ctx"])
	contexts["damaged"][8+24+2] = 200 // instance of CPU
	for name, ctx := range contexts {
		for _, cfg := range []hvm.Config{{Bodies: 1032}, {Verify: true}, {MaxBytes: int64(len(ctx) - 2)}} {
			want, wantErr := check(cfg, ctx, 0)
			for _, step := range []int{1, 2, 3, 7, 8, 9, 13, 997, 1031, 4096} {
				got, err := check(cfg, ctx, step)
				if diff := cmp.Diff(want, got); diff != "" || fmt.Sprint(err) != fmt.Sprint(wantErr) {
					t.Errorf("%s by %d: %v, want %v, %s", name, step, err, wantErr, diff)
				}
			}
		}
	}
}

// Proves: HV-6.
func TestEveryTruncation(t *testing.T) {
	for name, ctx := range realContexts(t) {
		whole, err := check(hvm.Config{}, ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		for n := range ctx {
			for _, verify := range []bool{false, true} {
				events, err := check(hvm.Config{Verify: verify}, ctx[:n], 0)
				e := checkError(t, err, io.ErrUnexpectedEOF, hvm.RuleTruncated)
				if e == nil {
					t.Fatalf("%s cut at %d: %v", name, n, err)
				}
				next := whole[len(events)]
				if e.Offset != next.Offset || e.Index != next.Index || e.What == "" {
					t.Fatalf("%s cut at %d: %v, want offset %d, entry %d", name, n, e, next.Offset, next.Index)
				}
				if inBody := int64(n) >= next.Offset+hvm.DescriptorSize; inBody && e.Record != next.Name() {
					t.Fatalf("%s cut at %d: %v does not name %s", name, n, e, next.Name())
				}
			}
		}
	}
}

// Proves: HV-14.
func TestBodiesAreHeldOnlyOnDemand(t *testing.T) {
	long := zeros(hvm.XSAVEType, 0, hvm.MaxBody+8)
	ctx := build(header, cpu(0), long, end)
	for _, c := range []struct {
		bodies int
		held   string
	}{
		{0, "END"},
		{24, "HEADER END"},
		{1032, "HEADER CPU END"},
		{1 << 30, "HEADER CPU END"},
		{-1, "END"},
	} {
		var held []string
		c2 := hvm.NewChecker(hvm.Config{Verify: true, Bodies: c.bodies, OnEntry: func(e hvm.Entry) error {
			if e.Body != nil {
				held = append(held, e.Type.Name())
				if len(e.Body) != int(e.Length) || cap(e.Body) != len(e.Body) {
					t.Errorf("body of %s has %d bytes, room for %d, want %d", e.Name(), len(e.Body), cap(e.Body), e.Length)
				}
			}
			return nil
		}})
		if _, err := c2.Write(ctx); err != nil {
			t.Error(err)
		}
		if got := strings.Join(held, " "); got != c.held {
			t.Errorf("Bodies %d: held %s, want %s", c.bodies, got, c.held)
		}
	}
}

// A length is no reason to take memory: the body must come first.
//
// Proves: HV-14.
func TestMemoryDoesNotFollowLengths(t *testing.T) {
	piece := make([]byte, 64<<10)
	allocs := testing.AllocsPerRun(3, func() {
		c := hvm.NewChecker(hvm.Config{Verify: true, Bodies: hvm.MaxBody, MaxEntry: 1 << 30, MaxBytes: 1 << 31})
		_, _ = c.Write(build(header))
		_, _ = c.Write(hvm.Descriptor{Type: hvm.MSRType, Length: 64 << 20}.Append(nil))
		for range 1024 {
			_, _ = c.Write(piece)
		}
	})
	if allocs > 20 {
		t.Errorf("%v allocations for a body of 64 MiB", allocs)
	}
}

// What a body holds does not get into an error.
//
// Proves: HV-14.
func TestErrorsKeepSecrets(t *testing.T) {
	secret := bytes.Repeat([]byte{0xa5}, 2048)
	for _, e := range []entry{
		{hvm.CPUType, 1, secret[:1032]}, {hvm.LAPICType, 0, secret[:32]}, {hvm.XSAVEType, 0, secret[:600]}, {hvm.PIT, 0, secret[:56]},
	} {
		_, err := check(hvm.Config{Verify: true}, build(header, cpu(0), e, end), 0)
		if err == nil || strings.Contains(strings.ToLower(err.Error()), "a5") || strings.Contains(err.Error(), "165") {
			t.Errorf("%v", err)
		}
	}
}

func TestStateOfChecker(t *testing.T) {
	ctx := realContexts(t)["pvh.ctx"]
	c := hvm.NewChecker(hvm.Config{})
	if n, err := c.Write(ctx[:len(ctx)-1]); n != len(ctx)-1 || err != nil || c.Done() || c.Entries() != 10 {
		t.Errorf("%d, %v, done %v, %d entries", n, err, c.Done(), c.Entries())
	}
	if n, err := c.Write(ctx[len(ctx)-1:]); n != 1 || err != nil || !c.Done() || c.Entries() != 11 || c.Offset() != int64(len(ctx)) {
		t.Errorf("%d, %v, done %v, %d entries, offset %d", n, err, c.Done(), c.Entries(), c.Offset())
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
}

// Proves: HV-11.
func TestWriteAfterClose(t *testing.T) {
	c := hvm.NewChecker(hvm.Config{})
	if _, err := c.Write(build(header, end)); err != nil || c.Close() != nil {
		t.Fatal(err)
	}
	if n, err := c.Write([]byte{0}); n != 0 || !errors.Is(err, frame.ErrMisuse) || !strings.Contains(err.Error(), string(hvm.RuleCalls)) {
		t.Errorf("%d, %v", n, err)
	}
}

func TestErrorsStay(t *testing.T) {
	c := hvm.NewChecker(hvm.Config{})
	ctx := build(header, header)
	n, err := c.Write(append(ctx, 0, 0))
	if n != 32+8 {
		t.Errorf("%d bytes were taken, want 40", n)
	}
	if n, again := c.Write(ctx); n != 0 || again != err || c.Close() != err {
		t.Errorf("%d, %v behind %v", n, again, err)
	}
}

// An error of either callback stops the checker as it is.
func TestCallbacksCanStop(t *testing.T) {
	enough := errors.New("enough")
	c := hvm.NewChecker(hvm.Config{OnEntry: func(e hvm.Entry) error {
		if e.Type == hvm.CPUType {
			return enough
		}
		return nil
	}})
	if n, err := c.Write(build(header, cpu(0), end)); err != enough || n != 32+8+1032 || c.Close() != enough {
		t.Errorf("%d, %v", n, err)
	}
	c = hvm.NewChecker(hvm.Config{Verify: true, OnFinding: func(*frame.Error) error { return enough }})
	if _, err := c.Write(build(header, end)); err != enough {
		t.Error(err)
	}
}
