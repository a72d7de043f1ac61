package xen_test

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// BenchmarkWalk walks the live migration, or with CTXPIPE_STREAMS=DIR all of that
// directory, in pieces of 1 MiB that are copied first: what a filter does at
// the least. The floor is that copy alone.
func BenchmarkWalk(b *testing.B) {
	streams := vectest.Streams(b)[3:]
	if dir := os.Getenv("CTXPIPE_STREAMS"); dir != "" {
		streams = vectest.StreamsIn(b, dir)
	}
	for _, s := range streams {
		zero := 0
		for _, c := range []struct {
			name string
			opts []xen.Option
		}{
			{"copy", nil},
			{"load", []xen.Option{xen.WithStrictness(xen.Load)}},
			{"verify", []xen.Option{xen.WithStrictness(xen.Verify)}},
			{"grid", []xen.Option{xen.WithVisitor(xen.Visitor{Pages: func(xen.Grid) {}})}},
			{"contents", []xen.Option{xen.WithVisitor(xen.Visitor{PageData: func(p xen.PagePiece) {
				if p.Data[0] == 0 {
					zero++
				}
			}})}},
		} {
			b.Run(s.Name+"/"+c.name, func(b *testing.B) { benchmarkWalk(b, s.Bytes, c.opts) })
		}
	}
}

func benchmarkWalk(b *testing.B, stream []byte, opts []xen.Option) {
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	buf := make([]byte, 1<<20)
	for b.Loop() {
		var w io.WriteCloser = nothing{}
		if opts != nil {
			w, _ = xen.New(opts...)
		}
		for r := bytes.NewReader(stream); ; {
			n, err := r.Read(buf)
			if err == io.EOF {
				break
			}
			if _, err := w.Write(buf[:n]); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

type nothing struct{}

func (nothing) Write(p []byte) (int, error) { return len(p), nil }
func (nothing) Close() error                { return nil }

// BenchmarkHoles walks the million entries that stand for the hole below 4 GiB.
func BenchmarkHoles(b *testing.B) {
	p := made()["hvm3"]
	types := make([]libxc.PageType, 1024)
	for i := range types {
		types[i] = libxc.XTab
	}
	p.recs = p.recs[:p.index(libxc.PageData)]
	for pfn := uint64(0); pfn < 1<<20; pfn += 1024 {
		p.addPages(pfn, types...)
	}
	stream := p.libxc(nil)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		w, _ := xen.New(xen.WithStrictness(xen.Verify))
		if _, err := w.Write(stream); err != nil {
			b.Fatal(err)
		}
	}
}
