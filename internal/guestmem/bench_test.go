package guestmem

import "testing"

func BenchmarkFill(b *testing.B) {
	p := make([]byte, 256*PageSize)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for i := range b.N {
		Fill(p, 1, i*256)
	}
}
