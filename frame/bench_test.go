package frame_test

import (
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
)

// BenchmarkDescriptor encodes and decodes one, in each layout.
func BenchmarkDescriptor(b *testing.B) {
	for _, l := range []frame.Layout{frame.Compact, frame.Wide} {
		b.Run(l.String(), func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 16)
			d := frame.Descriptor{Type: frame.TSCInfoType, Length: 24}
			for b.Loop() {
				out, err := d.Append(buf, l)
				if err != nil || frame.DecodeDescriptor(out, l) != d {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIsZero looks through a page that is zero, beside the copy of one.
func BenchmarkIsZero(b *testing.B) {
	page, to := make([]byte, 4096), make([]byte, 4096)
	b.Run("page", func(b *testing.B) {
		b.SetBytes(int64(len(page)))
		for b.Loop() {
			if !frame.IsZero(page) {
				b.Fatal("it is zero")
			}
		}
	})
	b.Run("copy", func(b *testing.B) {
		b.SetBytes(int64(len(page)))
		for b.Loop() {
			copy(to, page)
		}
	})
}
