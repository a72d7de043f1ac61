package bench

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/ctxpipe/ctxpipe/bench/gen"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/guestmem"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/pipe"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// streams gives what the benchmarks here work on: a made-up guest that moves live, and
// with CTXPIPE_STREAMS=DIR the real streams of that directory. What one layer does is
// measured beside that layer.
func streams(b *testing.B) map[string][]byte {
	b.Helper()
	var made bytes.Buffer
	if _, err := (gen.Guest{Memory: 32 << 20, Mix: guestmem.Usual, Seed: 1, Passes: 3}).WriteTo(&made); err != nil {
		b.Fatal(err)
	}
	all := map[string][]byte{"made-up": made.Bytes()}
	if dir := os.Getenv("CTXPIPE_STREAMS"); dir != "" {
		for _, s := range vectest.StreamsIn(b, dir) {
			all[s.Name] = s.Bytes
		}
	}
	return all
}

// over runs a benchmark over every stream.
func over(b *testing.B, name string, stream map[string][]byte, do func(b *testing.B, s []byte)) {
	b.Helper()
	for of, s := range stream {
		b.Run(of+"/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			do(b, s)
		})
	}
}

// ways are the levels, with the wire that each needs.
func ways() map[string][]pipe.Option {
	all := map[string][]pipe.Option{}
	for l := pipe.LevelElide; l <= pipe.LevelAuto; l++ {
		all[l.String()] = []pipe.Option{pipe.WithLevel(l)}
	}
	fast := pipe.LevelFast.String()
	all[fast] = append(all[fast], pipe.WithWire(zst.WireCtxpipe))
	return all
}

func compressTo(w io.Writer, s []byte, opts []pipe.Option) error {
	c, err := pipe.NewCompressor(w, opts...)
	if err != nil {
		return err
	}
	defer c.Abort()
	if _, err := c.ReadFrom(bytes.NewReader(s)); err != nil {
		return err
	}
	return c.Close()
}

// BenchmarkStreamFloor copies a stream once, which is what anybody has to.
func BenchmarkStreamFloor(b *testing.B) {
	over(b, "copy", streams(b), func(b *testing.B, s []byte) {
		buf := make([]byte, 1<<20)
		for b.Loop() {
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{bytes.NewReader(s)}, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStreamCompress compresses at every level, the walk included.
func BenchmarkStreamCompress(b *testing.B) {
	all := streams(b)
	for name, opts := range ways() {
		over(b, name, all, func(b *testing.B, s []byte) {
			var packed counter
			for b.Loop() {
				packed = 0
				if err := compressTo(&packed, s, opts); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(s))/float64(packed), "ratio")
		})
	}
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// BenchmarkStreamRestore restores what every level has made, with all checks.
func BenchmarkStreamRestore(b *testing.B) {
	all := streams(b)
	for name, opts := range ways() {
		over(b, name, all, func(b *testing.B, s []byte) {
			var packed bytes.Buffer
			if err := compressTo(&packed, s, opts); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				r, err := pipe.NewRestorer(bytes.NewReader(packed.Bytes()))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := r.WriteTo(io.Discard); err != nil {
					b.Fatal(err)
				}
				r.Close()
			}
		})
	}
}

// BenchmarkStreamVerify holds a stream to every rule.
func BenchmarkStreamVerify(b *testing.B) {
	over(b, "strict", streams(b), func(b *testing.B, s []byte) {
		for b.Loop() {
			w, err := xen.New(xen.WithStrictness(xen.Verify))
			if err != nil {
				b.Fatal(err)
			}
			for p := s; len(p) > 0; p = p[min(len(p), 1<<20):] {
				if _, err := w.Write(p[:min(len(p), 1<<20)]); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStreamList looks into a compressed stream without decoding it.
func BenchmarkStreamList(b *testing.B) {
	over(b, "list", streams(b), func(b *testing.B, s []byte) {
		var packed bytes.Buffer
		if err := compressTo(&packed, s, nil); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := pipe.List(bytes.NewReader(packed.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
}
