package sink_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/sink"
)

// memory is an io.WriterAt that cannot be cut.
type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if need := int(off) + len(p); need > len(m.b) {
		m.b = append(m.b, make([]byte, need-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

// counted counts the writes that reach it.
type counted struct {
	bytes.Buffer
	writes int
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes++
	return c.Buffer.Write(p)
}

// destinations runs save over every destination and gives what each got.
func destinations(t *testing.T, save func(w *sink.Writer) error, opts ...sink.Option) map[string][]byte {
	t.Helper()
	got := make(map[string][]byte)
	run := func(name string, w *sink.Writer, err error, bytes func() []byte) {
		t.Helper()
		if err == nil {
			err = save(w)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got[name] = bytes()
		if w.Size() != int64(len(got[name])) {
			t.Errorf("%s: Size is %d of %d bytes", name, w.Size(), len(got[name]))
		}
	}

	var m memory
	w, err := sink.NewSeekable(&m, 0, opts...)
	run("memory", w, err, func() []byte { return m.b })

	name := filepath.Join(t.TempDir(), "context")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const off = 17
	w, err = sink.NewSeekable(f, off, opts...)
	run("file", w, err, func() []byte { b, _ := os.ReadFile(name); return b[off:] })

	var staged counted
	w, err = sink.NewStaged(&staged, opts...)
	run("staged", w, err, staged.Bytes)

	got["staged to a pipe"] = throughPipe(t, func(p *os.File) error {
		w, err := sink.NewStaged(p, opts...)
		return errors.Join(err, save(w), w.Close())
	})

	plan, err := sink.DryRun(save, opts...)
	if err != nil {
		t.Fatalf("dry run: %v", err)
	}
	var planned counted
	w, err = sink.NewPlanned(&planned, plan)
	run("planned", w, err, planned.Bytes)
	if plan.Size() != int64(planned.Len()) {
		t.Errorf("the plan has %d bytes, the context %d", plan.Size(), planned.Len())
	}

	got["planned to a pipe"] = throughPipe(t, func(p *os.File) error {
		w, err := sink.NewPlanned(p, plan)
		return errors.Join(err, save(w), w.Close())
	})
	return got
}

// throughPipe gives what write wrote into a real pipe.
func throughPipe(t *testing.T, write func(p *os.File) error) []byte {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	done := make(chan error, 1)
	go func() {
		err := write(w)
		w.Close()
		done <- err
	}()
	b, err := io.ReadAll(r)
	if err = errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	return b
}

// wantMisuse demands misuse, by rule, and that it sticks.
func wantMisuse(t *testing.T, w *sink.Writer, err error, rule frame.Rule) {
	t.Helper()
	if !errors.Is(err, frame.ErrMisuse) || !bytes.Contains([]byte(err.Error()), []byte("["+rule+"]")) {
		t.Errorf("got %v, want misuse by %s", err, rule)
	}
	if w == nil {
		return
	}
	if again := w.Close(); again == nil || again != err && !errors.Is(again, frame.ErrMisuse) {
		t.Errorf("the error did not stick: Close gave %v", again)
	}
	if _, again := w.Begin(200, 0); again == nil {
		t.Error("Begin after an error")
	}
}
