package sink

import (
	"bytes"
	"io"
	"os"
	"testing"
)

// Every buffer comes back, whatever way a Writer ends.
func TestBuffersComeBack(t *testing.T) {
	before := buffers.Loans()
	body := make([]byte, 100_000)
	save := func(w *Writer) error { return w.Entry(5, 0, body) }
	plan, err := DryRun(save)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, make := range map[string]func() (*Writer, error){
		"seekable": func() (*Writer, error) { return NewSeekable(f, 0) },
		"staged":   func() (*Writer, error) { return NewStaged(io.Discard) },
		"planned":  func() (*Writer, error) { return NewPlanned(io.Discard, plan) },
	} {
		for end, finish := range map[string]func(w *Writer){
			"closed":        func(w *Writer) { save(w); w.Close() },
			"given up":      func(w *Writer) { w.Begin(5, 0); w.Abort(); w.Abort() },
			"closed inside": func(w *Writer) { w.Begin(5, 0); w.Close() },
			"closed, ended": func(w *Writer) { save(w); w.Close(); w.Close(); w.Abort() },
		} {
			w, err := make()
			if err != nil {
				t.Fatal(err)
			}
			finish(w)
			if n := buffers.Loans() - before; n != 0 {
				t.Fatalf("%s, %s: %d buffers are out", name, end, n)
			}
		}
	}
}

// A staged Writer lets go of what was handed over as soon as it has left.
func TestHandedOverIsLetGo(t *testing.T) {
	var out bytes.Buffer
	w, err := NewStaged(&out)
	if err != nil {
		t.Fatal(err)
	}
	p := bytes.Repeat([]byte{1}, smallPiece)
	if err := w.Entry(5, 0, p); err != nil {
		t.Fatal(err)
	}
	for _, q := range w.dst.(*staged).pieces {
		if q.given != nil {
			t.Error("a handed-over slice is still held")
		}
	}
	for _, b := range w.dst.(*staged).bufs[:cap(w.dst.(*staged).bufs)] {
		if b != nil {
			t.Error("a written slice is still held")
		}
	}
}
