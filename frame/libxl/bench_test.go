package libxl_test

import (
	"testing"

	"github.com/ctxpipe/ctxpipe/frame/libxl"
)

// BenchmarkRecord makes a record of an emulator's state, and reads its header.
func BenchmarkRecord(b *testing.B) {
	body := make([]byte, 7578)
	var buf []byte
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		buf = libxl.AppendRecord(buf[:0], libxl.EmulatorContext, body)
		if _, err := libxl.ParseRecordHeader(buf); err != nil {
			b.Fatal(err)
		}
	}
}
