package libxc_test

import (
	"testing"

	"github.com/ctxpipe/ctxpipe/frame/libxc"
)

// BenchmarkPageData makes a record of a whole batch, and takes its entries apart.
func BenchmarkPageData(b *testing.B) {
	const batch = 1024
	entries := make([]libxc.Entry, batch)
	for i := range entries {
		entries[i] = libxc.NewEntry(uint64(i), libxc.NoTab)
	}
	pages := make([]byte, batch*libxc.PageSize)
	record := libxc.AppendPageData(nil, entries, pages)
	b.Run("append", func(b *testing.B) {
		b.SetBytes(int64(len(record)))
		b.ReportAllocs()
		for b.Loop() {
			record = libxc.AppendPageData(record[:0], entries, pages)
		}
	})
	b.Run("entries", func(b *testing.B) {
		es := libxc.Entries(record[libxc.RecordHeaderSize+libxc.PageDataHeaderSize:])[:batch*libxc.EntrySize]
		b.SetBytes(int64(len(es)))
		b.ReportAllocs()
		for b.Loop() {
			data := 0
			for i := range es.Len() {
				if es.At(i).Type().HasData() {
					data++
				}
			}
			if data != batch {
				b.Fatal(data)
			}
		}
	})
}
