package sink_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/sink"
)

const entrySize = 64 << 20

// drainedPipe gives the writing end of a pipe whose other end is read and
// thrown away, 1 MiB at a time.
func drainedPipe(b *testing.B) *os.File {
	b.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	buf := make([]byte, 1<<20)
	go func() {
		defer close(done)
		for {
			if _, err := r.Read(buf); err != nil {
				return
			}
		}
	}()
	b.Cleanup(func() {
		w.Close()
		<-done
		r.Close()
	})
	return w
}

// benchEntries saves b.N entries of 64 MiB with a Writer that make makes.
func benchEntries(b *testing.B, body []byte, w *sink.Writer, err error, add func(e sink.Entry) error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		e, err := w.Begin(5, uint32(i))
		if err = errors.Join(err, add(e), e.End()); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

// planFor gives a plan of n entries.
func planFor(b *testing.B, n int, size uint64) *sink.Plan {
	b.Helper()
	plan, err := sink.DryRun(func(w *sink.Writer) error {
		for i := range n {
			e, err := w.Begin(5, uint32(i))
			if err = errors.Join(err, e.Count(size), e.End()); err != nil {
				return err
			}
		}
		return nil
	}, sink.WithLayout(frame.Wide)) // has room for any number of entries
	if err != nil {
		b.Fatal(err)
	}
	return plan
}

// BenchmarkPipe64MiB moves 64 MiB through an OS pipe: plain writes of the same
// bytes are the floor, the others save it as one entry.
func BenchmarkPipe64MiB(b *testing.B) {
	body := make([]byte, entrySize)
	b.Run("floor", func(b *testing.B) {
		w := drainedPipe(b)
		b.SetBytes(entrySize)
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			if _, err := w.Write(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("planned", func(b *testing.B) {
		w, err := sink.NewPlanned(drainedPipe(b), planFor(b, b.N, entrySize))
		benchEntries(b, body, w, err, func(e sink.Entry) error { return e.Append(body) })
	})
	b.Run("staged handed over", func(b *testing.B) {
		w, err := sink.NewStaged(drainedPipe(b), sink.WithHoldLimit(2*entrySize))
		benchEntries(b, body, w, err, func(e sink.Entry) error { return e.HandOver(body) })
	})
	b.Run("staged copied", func(b *testing.B) {
		w, err := sink.NewStaged(drainedPipe(b), sink.WithHoldLimit(2*entrySize))
		benchEntries(b, body, w, err, func(e sink.Entry) error { return e.Append(body) })
	})
}

// BenchmarkFile64MiB is the same on a file that is already there.
func BenchmarkFile64MiB(b *testing.B) {
	body := make([]byte, entrySize)
	open := func(b *testing.B) *os.File {
		f, err := os.CreateTemp(b.TempDir(), "")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { f.Close() })
		return f
	}
	b.Run("floor", func(b *testing.B) {
		f := open(b)
		b.SetBytes(entrySize)
		b.ReportAllocs()
		for range b.N {
			if _, err := f.WriteAt(body, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("seekable", func(b *testing.B) {
		f := open(b)
		b.SetBytes(entrySize)
		b.ReportAllocs()
		for range b.N {
			w, err := sink.NewSeekable(f, 0)
			if err = errors.Join(err, w.Entry(5, 0, body), w.Close()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSmallEntries tells what an entry costs that hardly has a body. The floor are plain writes of
// as much to a pipe.
func BenchmarkSmallEntries(b *testing.B) {
	for _, size := range []int{64, 4096} {
		body := make([]byte, size)
		b.Run(fmt.Sprintf("floor/%d", size), func(b *testing.B) {
			w := drainedPipe(b)
			b.SetBytes(int64(size))
			for range b.N {
				if _, err := w.Write(body); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("planned/%d", size), func(b *testing.B) {
			w, err := sink.NewPlanned(drainedPipe(b), planFor(b, b.N, uint64(size)))
			benchEntries(b, body, w, err, func(e sink.Entry) error { return e.Append(body) })
		})
		b.Run(fmt.Sprintf("staged/%d", size), func(b *testing.B) {
			w, err := sink.NewStaged(drainedPipe(b), sink.WithLayout(frame.Wide))
			benchEntries(b, body, w, err, func(e sink.Entry) error { return e.Append(body) })
		})
	}
}

// In steady state an entry allocates nothing on any destination.
func TestEntriesAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	const runs = 200
	body, large := make([]byte, 100), make([]byte, 100_000)
	save := func(w *sink.Writer) func() {
		i := uint32(0)
		return func() {
			e, err := w.Begin(5, 0)
			if err == nil {
				err = e.Append(body)
			}
			if err == nil {
				err = e.HandOver(large)
			}
			if err == nil {
				err = e.End()
			}
			if err != nil {
				t.Fatal(err)
			}
			i++
		}
	}
	plan, err := sink.DryRun(func(w *sink.Writer) error {
		for range runs + 2 {
			save(w)()
		}
		return nil
	}, sink.WithRepeats())
	if err != nil {
		t.Fatal(err)
	}
	writers := map[string]func() (*sink.Writer, error){
		"seekable": func() (*sink.Writer, error) {
			return sink.NewSeekable(&memory{b: make([]byte, 64<<20)}, 0, sink.WithRepeats())
		},
		"staged":  func() (*sink.Writer, error) { return sink.NewStaged(null, sink.WithRepeats()) },
		"planned": func() (*sink.Writer, error) { return sink.NewPlanned(null, plan) },
	}
	for name, make := range writers {
		w, err := make()
		if err != nil {
			t.Fatal(err)
		}
		one := save(w)
		one()
		if n := testing.AllocsPerRun(runs, one); n != 0 {
			t.Errorf("%s: %v allocations per entry", name, n)
		}
	}
}
