package source_test

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

// feed gives a source of b anew for each round of a benchmark.
type feed func(tb testing.TB, b []byte) io.Reader

// fromMemory gives the bytes without any cost but that of copying them.
func fromMemory(_ testing.TB, b []byte) io.Reader { return bytes.NewReader(b) }

// fromPipe gives the bytes through a pipe of the system, which a goroutine
// fills. Closing is left to the end of the benchmark.
func fromPipe(tb testing.TB) feed {
	tb.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		tb.Skip(err)
	}
	work := make(chan []byte)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := range work {
			if _, err := out.Write(b); err != nil {
				return
			}
		}
	}()
	tb.Cleanup(func() {
		close(work)
		_ = in.Close()
		<-done
		_ = out.Close()
	})
	return func(_ testing.TB, b []byte) io.Reader {
		work <- b
		return in
	}
}

// BenchmarkLoad64MiB reads one entry of 64 MiB into a slice of the caller's,
// beside the floor: io.ReadFull of as many bytes from the same kind of source.
func BenchmarkLoad64MiB(b *testing.B) {
	const size = 64 << 20
	all := make1(b, frame.Wide, item{5, 0, pattern(size)})
	dst := make([]byte, len(all))
	floor := func(b *testing.B, r io.Reader) {
		if _, err := io.ReadFull(r, dst); err != nil {
			b.Fatal(err)
		}
	}
	load := func(b *testing.B, in io.Reader) {
		r := newReader(b, in)
		e := next(b, r)
		if _, err := io.ReadFull(e, dst[:size]); err != nil {
			b.Fatal(err)
		}
		if err := e.End(source.EndStrict); err != nil {
			b.Fatal(err)
		}
		if _, err := r.Next(); err != io.EOF {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		from func(testing.TB) feed
		do   func(*testing.B, io.Reader)
	}{
		{"memory/floor", func(testing.TB) feed { return fromMemory }, floor},
		{"memory/Reader", func(testing.TB) feed { return fromMemory }, load},
		{"pipe/floor", fromPipe, floor},
		{"pipe/Reader", fromPipe, load},
	} {
		b.Run(c.name, func(b *testing.B) {
			from := c.from(b)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				c.do(b, from(b, all))
			}
		})
	}
}

// BenchmarkNextSmall goes through many entries of 64 bytes, viewing each.
func BenchmarkNextSmall(b *testing.B) {
	const count = 10_000
	for _, l := range layouts {
		var items []item
		for i := range count {
			items = append(items, item{5, uint32(i), pattern(64)})
		}
		all := make1(b, l, items...)
		for name, kind := range map[string]func(testing.TB) feed{"memory": func(testing.TB) feed { return fromMemory }, "pipe": fromPipe} {
			b.Run(l.String()+"/"+name, func(b *testing.B) {
				from := kind(b)
				b.ReportAllocs()
				for b.Loop() {
					viewAll(b, newReader(b, from(b, all)))
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/entry")
			})
		}
	}
}

func viewAll(b *testing.B, r *source.Reader) {
	for {
		e, err := r.Next()
		if err == io.EOF {
			return
		}
		if err == nil {
			_, err = e.View()
		}
		if err == nil {
			err = e.End(source.EndStrict)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
