package sink

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

// Every buffer comes back, whatever way a Writer ends.
func TestBuffersComeBack(t *testing.T) {
	before := bufpool.Out()
	body := make([]byte, 100_000)
	save := func(w *Writer) error {
		e, err := w.Begin(5, 0)
		for range 10 {
			err = errors.Join(err, e.Append(body))
		}
		return errors.Join(err, e.End())
	}
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
			"given up":      func(w *Writer) { e, _ := w.Begin(5, 0); e.Append(bytes.Repeat(body, 5)); w.Abort(); w.Abort() },
			"closed inside": func(w *Writer) { w.Begin(5, 0); w.Close() },
			"closed, ended": func(w *Writer) { save(w); w.Close(); w.Close(); w.Abort() },
		} {
			w, err := make()
			if err != nil {
				t.Fatal(err)
			}
			finish(w)
			if n := bufpool.Out() - before; n != 0 {
				t.Fatalf("%s, %s: %d buffers are out", name, end, n)
			}
		}
	}
}

// A reader that has more than the length field can tell is refused at the byte where it
// exceeds it.
func TestReaderBeyondTheLengthField(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, over := range []int64{0, 1} {
		seekable, err1 := NewSeekable(f, 0)
		staged, err2 := NewStaged(io.Discard)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for name, w := range map[string]*Writer{"seekable": seekable, "staged": staged} {
			e, err := w.Begin(5, 0)
			if err != nil {
				t.Fatal(err)
			}
			w.current.Length = w.Layout().MaxBody() - 10 // as if so much had been written
			n, err := e.ReadFrom(bytes.NewReader(make([]byte, 10+over)))
			var place *frame.Error
			if n != 10 || (err != nil) != (over > 0) || over > 0 && (!errors.Is(err, frame.ErrTooLarge) || !errors.As(err, &place) || place.Rule != frame.RuleLengthFits) {
				t.Errorf("%s, %d over: %d bytes, %v", name, over, n, err)
			}
			w.Abort()
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
	for _, b := range w.dst.(*staged).bufs[:cap(w.dst.(*staged).bufs)] {
		if b != nil {
			t.Error("a written slice is still held")
		}
	}
}

// watched is a planned Writer whose writes are noted.
type watched struct {
	*Writer
	plan *Plan
	got  bytes.Buffer
	ends []int64 // where in the stream each write ends
}

// planAndWatch plans save, and gives a Writer that follows the plan.
func planAndWatch(t *testing.T, save func(*Writer) error) *watched {
	t.Helper()
	var o watched
	var err error
	if o.plan, err = DryRun(save); err != nil {
		t.Fatal(err)
	}
	if o.Writer, err = NewPlanned(&o.got, o.plan); err != nil {
		t.Fatal(err)
	}
	p := o.dst.(*planned)
	write := p.pending.out
	p.pending.out = func(bufs [][]byte) error {
		err := write(bufs)
		o.ends = append(o.ends, p.sent)
		return err
	}
	return &o
}

// Small entries of a plan leave together, large pieces without a copy, and END with what is left.
func TestPlannedWrites(t *testing.T) {
	for _, c := range []struct {
		entries, pieces, size int
		before, all           int // writes before Close, and in all
	}{
		{1, 100, 99, 0, 1},
		{50, 3, 99, 0, 1},
		{200, 1, 1000, 3, 4},
		{1, 1, 64 << 10, 1, 2},
		{3, 1, 1 << 20, 3, 4},
		{0, 0, 0, 0, 1},
	} {
		save := func(w *Writer) error {
			for i := range c.entries {
				e, err := w.Begin(5, uint32(i))
				for range c.pieces {
					err = errors.Join(err, e.Append(make([]byte, c.size)))
				}
				if err = errors.Join(err, e.End()); err != nil {
					return err
				}
			}
			return nil
		}
		w := planAndWatch(t, save)
		if err := save(w.Writer); err != nil {
			t.Fatal(err)
		}
		before, size := len(w.ends), w.Size()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if before != c.before || len(w.ends) != c.all || w.plan.Len() != c.entries {
			t.Errorf("%d entries of %d pieces of %d: %d writes, then %d, and the plan has %d entries", c.entries, c.pieces, c.size, before, len(w.ends), w.plan.Len())
		}
		if end := int64(w.Layout().DescriptorSize()); w.plan.Size() != int64(w.got.Len()) || c.entries > 0 && size != w.plan.Size()-end {
			t.Errorf("Size was %d before END, %d was planned, %d were written", size, w.plan.Size(), w.got.Len())
		}
	}
}

// Pieces of a body leave up to where a page of the stream ends, whatever their length, each with one
// write, and nothing is lost by it.
func TestPlannedWritesEndWithPages(t *testing.T) {
	const pieces = 40
	for _, size := range []int{5000, pendingSize - 1, pendingSize, pendingSize + 1, 1<<20 - 3} {
		body := make([]byte, pieces*size)
		for i := range body {
			body[i] = byte(i * 7 >> 3)
		}
		save := func(w *Writer) error {
			e, err := w.Begin(5, 0)
			for at := 0; at < len(body) && err == nil; at += size {
				err = e.Append(body[at:][:size])
			}
			return errors.Join(err, e.End())
		}
		w := planAndWatch(t, save)
		if err := errors.Join(save(w.Writer), w.Close()); err != nil {
			t.Fatal(err)
		}
		inside := w.ends[:len(w.ends)-1] // without what leaves with END
		if least := min(pieces, pieces*size/(pendingSize+size)); len(inside) < least || len(inside) > pieces {
			t.Errorf("pieces of %d: %d writes", size, len(inside))
		}
		for _, end := range inside {
			if end%page != 0 {
				t.Errorf("pieces of %d: a write ends at %d", size, end)
			}
		}
		var want bytes.Buffer
		staged, err := NewStaged(&want, WithHoldLimit(64<<20))
		if err = errors.Join(err, save(staged), staged.Close()); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(w.got.Bytes(), want.Bytes()) {
			t.Errorf("pieces of %d: another context", size)
		}
	}
}
