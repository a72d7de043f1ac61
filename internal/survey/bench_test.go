package survey

import (
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/vectest"
)

// BenchmarkSurvey counts what is in a live migration.
func BenchmarkSurvey(b *testing.B) {
	s := vectest.Streams(b)[3].Bytes
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		of(b, s, 1<<20)
	}
}
