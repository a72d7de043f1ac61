package xl_test

import (
	"testing"

	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// BenchmarkHeader makes a header with its configuration, and reads it.
func BenchmarkHeader(b *testing.B) {
	const config = `{"c_info":{"name":"guest","type":"pv"},"b_info":{"max_vcpus":2,"max_memkb":262144}}`
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = xl.AppendConfig(buf[:0], config)
		if _, err := xl.ParseHeader(buf); err != nil {
			b.Fatal(err)
		}
	}
}
