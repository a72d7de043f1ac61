package hvm_test

import (
	"testing"

	"github.com/ctxpipe/ctxpipe/frame/hvm"
)

// BenchmarkChecker holds a real guest's context to every rule.
func BenchmarkChecker(b *testing.B) {
	ctx := realContexts(b)["hvm.ctx"]
	b.SetBytes(int64(len(ctx)))
	b.ReportAllocs()
	for b.Loop() {
		c := hvm.NewChecker(hvm.Config{Verify: true, VCPUs: 1})
		if _, err := c.Write(ctx); err != nil {
			b.Fatal(err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
