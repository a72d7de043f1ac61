package sink_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/sink"
	"github.com/ctxpipe/ctxpipe/source"
)

// Proves: DC-2, DC-20, DC-26.
func TestRegistrySavesInOrderOfType(t *testing.T) {
	var dom guest
	var reg sink.Registry
	for _, typ := range []frame.Type{9, 5, 7} {
		err := reg.Register(typ, "", func(w *sink.Writer) error {
			if dom.paused != 1 {
				t.Error("a handler ran while the domain was not paused")
			}
			return errors.Join(w.Entry(typ, 0, []byte{byte(typ)}), w.Entry(typ, 1, nil))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	var staged, piped bytes.Buffer
	w, err := sink.NewStaged(&staged)
	if err = errors.Join(err, reg.Save(ctx, &dom, w), reg.SaveTo(ctx, &dom, &piped)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(staged.Bytes(), piped.Bytes()) {
		t.Error("Save and SaveTo differ")
	}
	rep, err := source.Verify(&staged)
	if err != nil || rep.Entries != 8 {
		t.Errorf("%+v, %v", rep, err)
	}
	if dom.paused != 0 || dom.pauses != 2 {
		t.Errorf("paused %d times, %d not released; SaveTo needs one pause for both runs", dom.pauses, dom.paused)
	}
	if err := reg.Register(5, "again", func(*sink.Writer) error { return nil }); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("a second handler: %v", err)
	}
	if err := reg.Register(11, "none", nil); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("no handler: %v", err)
	}
}

func TestEmptyRegistryMakesAnEmptyContext(t *testing.T) {
	for _, l := range []frame.Layout{frame.Compact, frame.Wide} {
		var reg sink.Registry
		var out bytes.Buffer
		if err := reg.SaveTo(context.Background(), nil, &out, sink.WithLayout(l)); err != nil {
			t.Fatal(err)
		}
		if want := frame.HeaderSize + l.DescriptorSize(); out.Len() != want {
			t.Errorf("%v: %d bytes, want %d", l, out.Len(), want)
		}
	}
}

// One entry, one write: that is what staging is for.
func TestStagedEntryIsOneWrite(t *testing.T) {
	var out counted
	w, err := sink.NewStaged(&out)
	if err != nil {
		t.Fatal(err)
	}
	e := begin(t, w, 5, 0) // with HEADER in front
	for range 60 {
		if err := e.Append(make([]byte, 999)); err != nil {
			t.Fatal(err)
		}
	}
	before := out.writes
	if err := e.End(); err != nil {
		t.Fatal(err)
	}
	if n := out.writes - before; n != 1 {
		t.Errorf("%d writes, want 1", n)
	}
}

// An entry may take many buffers, and the next one fewer, with slices between them that were
// handed over.
func TestStagedEntryOfManyBuffers(t *testing.T) {
	piece := bytes.Repeat([]byte("0123456789"), 1234)
	save := func(w *sink.Writer) error {
		var err error
		for i, n := range []int{3, 300, 40} {
			e, _ := w.Begin(5, uint32(i))
			for range n {
				err = errors.Join(err, e.Append(piece[:777]), e.HandOver(piece), e.Append(piece))
			}
			_, readErr := e.ReadFrom(bytes.NewReader(piece[:1001]))
			err = errors.Join(err, readErr, e.End())
		}
		return err
	}
	all := destinations(t, save)
	for name, got := range all {
		if rep, err := source.Verify(bytes.NewReader(got)); err != nil || rep.Entries != 5 {
			t.Errorf("%s: %+v, %v", name, rep, err)
		}
		if !bytes.Equal(got, all["memory"]) {
			t.Errorf("%s: differs from the one in memory", name)
		}
	}
}
