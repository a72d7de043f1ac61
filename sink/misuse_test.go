package sink_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/sink"
)

func begin(t *testing.T, w *sink.Writer, typ frame.Type, instance uint32) sink.Entry {
	t.Helper()
	e, err := w.Begin(typ, instance)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Proves: DC-20, DC-21, DC-24, DC-25, DC-30.
func TestMisuse(t *testing.T) {
	for name, c := range map[string]struct {
		rule frame.Rule
		do   func(w *sink.Writer) error
	}{
		"nested": {frame.RuleCalls, func(w *sink.Writer) error {
			begin(t, w, 5, 0)
			_, err := w.Begin(5, 1)
			return err
		}},
		"close inside an entry": {frame.RuleCalls, func(w *sink.Writer) error {
			begin(t, w, 5, 0)
			return w.Close()
		}},
		"append after end": {frame.RuleCalls, func(w *sink.Writer) error {
			e := begin(t, w, 5, 0)
			return errors.Join(e.End(), e.Append([]byte{1}))
		}},
		"hand over after end": {frame.RuleCalls, func(w *sink.Writer) error {
			e := begin(t, w, 5, 0)
			return errors.Join(e.End(), e.HandOver([]byte{1}))
		}},
		"read from after end": {frame.RuleCalls, func(w *sink.Writer) error {
			e := begin(t, w, 5, 0)
			if err := e.End(); err != nil {
				return err
			}
			_, err := e.ReadFrom(bytes.NewReader(nil))
			return err
		}},
		"end twice": {frame.RuleCalls, func(w *sink.Writer) error {
			e := begin(t, w, 5, 0)
			return errors.Join(e.End(), e.End())
		}},
		"an older entry inside a newer": {frame.RuleCalls, func(w *sink.Writer) error {
			e := begin(t, w, 5, 0)
			if err := e.End(); err != nil {
				return err
			}
			begin(t, w, 5, 1)
			return e.Append([]byte{1})
		}},
		"falling types":   {frame.RuleOrder, func(w *sink.Writer) error { return errors.Join(w.Entry(5, 0, nil), w.Entry(4, 0, nil)) }},
		"repeat":          {frame.RuleRepeat, func(w *sink.Writer) error { return errors.Join(w.Entry(5, 7, nil), w.Entry(5, 7, nil)) }},
		"type of END":     {frame.RuleReserved, func(w *sink.Writer) error { return w.Entry(frame.End, 0, nil) }},
		"type of HEADER":  {frame.RuleReserved, func(w *sink.Writer) error { return w.Entry(frame.Start, 0, nil) }},
		"count for real":  {frame.RuleCalls, func(w *sink.Writer) error { return begin(t, w, 5, 0).Count(4) }},
		"given up":        {frame.RuleNoEnd, func(w *sink.Writer) error { w.Abort(); return w.Close() }},
		"given up inside": {frame.RuleNoEnd, func(w *sink.Writer) error { begin(t, w, 5, 0); w.Abort(); return w.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			var staged bytes.Buffer
			w, err := sink.NewStaged(&staged)
			if err != nil {
				t.Fatal(err)
			}
			wantMisuse(t, w, c.do(w), c.rule)
			noEnd(t, staged.Bytes())

			var m memory
			if w, err = sink.NewSeekable(&m, 0); err != nil {
				t.Fatal(err)
			}
			wantMisuse(t, w, c.do(w), c.rule)
			noEnd(t, m.b)
		})
	}
}

// noEnd demands that b does not end in END.
func noEnd(t *testing.T, b []byte) {
	t.Helper()
	if n := len(b); n >= 8 && bytes.Equal(b[n-8:], make([]byte, 8)) {
		t.Errorf("END was written: % x", b)
	}
}

func TestCloseTwiceAndAfter(t *testing.T) {
	var out bytes.Buffer
	w, err := sink.NewStaged(&out)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Entry(9, 1, []byte("abc")), w.Close()); err != nil {
		t.Fatal(err)
	}
	size := out.Len()
	if err := w.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := w.Begin(10, 0); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("Begin after Close: %v", err)
	}
	w.Abort()
	if out.Len() != size {
		t.Error("something was written after Close")
	}
}

func TestAnEntryThatWasNeverBegun(t *testing.T) {
	var e sink.Entry
	_, err := e.Write([]byte{1})
	_, err2 := e.ReadFrom(bytes.NewReader(nil))
	for _, err := range []error{err, err2, e.Append(nil), e.HandOver(nil), e.End(), e.Count(1)} {
		if !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("got %v, want misuse", err)
		}
	}
	if e.Len() != 0 {
		t.Error("it has a length")
	}
}

func TestConstructorsRefuse(t *testing.T) {
	var out bytes.Buffer
	for name, make := range map[string]func() (*sink.Writer, error){
		"no destination, staged":   func() (*sink.Writer, error) { return sink.NewStaged(nil) },
		"no destination, seekable": func() (*sink.Writer, error) { return sink.NewSeekable(nil, 0) },
		"no destination, planned":  func() (*sink.Writer, error) { return sink.NewPlanned(nil, &sink.Plan{}) },
		"no plan":                  func() (*sink.Writer, error) { return sink.NewPlanned(&out, nil) },
		"negative offset":          func() (*sink.Writer, error) { return sink.NewSeekable(&memory{}, -1) },
		"no layout":                func() (*sink.Writer, error) { return sink.NewStaged(&out, sink.WithLayout(7)) },
		"no room to hold":          func() (*sink.Writer, error) { return sink.NewStaged(&out, sink.WithHoldLimit(3)) },
	} {
		if _, err := make(); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("%s: got %v, want misuse", name, err)
		}
	}
	_, err := sink.NewStaged(&out, sink.WithXen(frame.XenVersion{Major: 65536}))
	if !errors.Is(err, frame.ErrTooLarge) {
		t.Errorf("a Xen version that does not fit: %v", err)
	}
	if _, err := sink.NewStaged(&out, sink.WithXen(frame.XenVersion{Major: 65536}), sink.WithLayout(frame.Wide)); err != nil {
		t.Errorf("it fits the wide layout: %v", err)
	}
}

// Proves: DC-22.
func TestValuesThatDoNotFit(t *testing.T) {
	for name, c := range map[string]struct {
		layout   frame.Layout
		typ      frame.Type
		instance uint32
		ok       bool
	}{
		"last instance":           {frame.Compact, 5, 65535, true},
		"first too large":         {frame.Compact, 5, 65536, false},
		"last type":               {frame.Compact, 65535, 0, true},
		"first type too large":    {frame.Compact, 65536, 0, false},
		"wide takes all of these": {frame.Wide, 1<<32 - 1, 1<<32 - 1, true},
	} {
		var out bytes.Buffer
		w, err := sink.NewStaged(&out, sink.WithLayout(c.layout))
		if err != nil {
			t.Fatal(err)
		}
		err = w.Entry(c.typ, c.instance, nil)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, frame.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		if !c.ok && out.Len() != 0 {
			t.Errorf("%s: %d bytes were written", name, out.Len())
		}
	}
}

// A dry run counts without bytes, so that the limits of the format can be
// reached in a test.
//
// Proves: DC-23.
func TestBodiesThatDoNotFit(t *testing.T) {
	for _, l := range []frame.Layout{frame.Compact, frame.Wide} {
		for _, over := range []uint64{0, 1} {
			_, err := sink.DryRun(func(w *sink.Writer) error {
				e, err := w.Begin(5, 0)
				if err != nil {
					return err
				}
				if err := e.Count(l.MaxBody()); err != nil {
					return err
				}
				if over > 0 {
					err = e.Append(make([]byte, over))
				}
				return errors.Join(err, e.End())
			}, sink.WithLayout(l))
			if (err == nil) != (over == 0) || err != nil && !errors.Is(err, frame.ErrTooLarge) {
				t.Errorf("%v, %d bytes over: %v", l, over, err)
			}
		}
	}
}

func ExampleWriter_Abort() {
	w, err := sink.NewStaged(&bytes.Buffer{})
	if err != nil {
		panic(err)
	}
	w.Abort() // a deferred Close would have made a whole context of it
	fmt.Println(errors.Is(w.Close(), frame.ErrMisuse))
	// Output: true
}
