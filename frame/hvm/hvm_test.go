package hvm_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
)

// realContexts gives the contexts that a real Xen wrote, by file name.
func realContexts(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.ctx")
	if err != nil || len(files) != 3 {
		t.Fatalf("%d contexts in testdata, %v", len(files), err)
	}
	found := make(map[string][]byte)
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found[filepath.Base(name)] = b
	}
	return found
}

// event is an entry whose body was copied.
type event struct {
	hvm.Entry
	Body string
}

// check runs a context through a checker in pieces of the given size, 0 for
// all at once, and gives its events and its verdict.
func check(cfg hvm.Config, ctx []byte, step int) (events []event, err error) {
	cfg.OnEntry = func(e hvm.Entry) error {
		body := string(e.Body)
		e.Body = nil
		events = append(events, event{e, body})
		return nil
	}
	c := hvm.NewChecker(cfg)
	for len(ctx) > 0 && err == nil {
		n := len(ctx)
		if step > 0 {
			n = min(n, step)
		}
		_, err = c.Write(ctx[:n])
		ctx = ctx[n:]
	}
	return events, c.Close()
}

// entry is one entry of a context that a test builds.
type entry struct {
	t        hvm.Type
	instance uint16
	body     []byte
}

func build(entries ...entry) []byte {
	var b []byte
	for _, e := range entries {
		b = hvm.AppendEntry(b, e.t, e.instance, e.body)
	}
	return b
}

// header, cpu and end are what every good context has.
var (
	header = entry{hvm.HeaderType, 0, hvm.Header{
		Magic: hvm.Magic, Version: hvm.HeaderVersion, Changeset: hvm.NoChangeset, CPUID: 0x800f12, GuestTSCKHz: 2445425,
	}.Append(nil)}
	end = entry{t: hvm.End}
)

func cpu(instance uint16) entry {
	return entry{hvm.CPUType, instance, hvm.CPU{RIP: uint64(instance) + 0x1000, Flags: hvm.FPUInitialised}.Append(nil)}
}

// zeros gives an entry of n zero bytes.
func zeros(t hvm.Type, instance uint16, n int) entry { return entry{t, instance, make([]byte, n)} }

// checkError holds err against a sentinel and a rule.
func checkError(t *testing.T, err, sentinel error, rule frame.Rule) *frame.Error {
	t.Helper()
	var e *frame.Error
	switch {
	case !errors.Is(err, sentinel):
		t.Errorf("got %v, want %v in it", err, sentinel)
	case !errors.As(err, &e):
		t.Errorf("%v is not a *frame.Error", err)
	case e.Rule != rule || e.Layer != hvm.Layer:
		t.Errorf("%v: got rule %q of %s, want %q", err, e.Rule, e.Layer, rule)
	}
	return e
}
