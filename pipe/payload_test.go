package pipe

import (
	"testing"

	"github.com/ctxpipe/ctxpipe/frame/zst"
)

var knownPayloads = []struct {
	first string
	want  zst.Payload
}{
	{"Xen saved domain, xl format\x0a\x20\x00\x20\x0d", zst.PayloadXL},
	{"\x4c\x69\x62\x78\x6c\x46\x6d\x74", zst.PayloadLibxl},
	{"\xff\xff\xff\xff\xff\xff\xff\xff\x58\x45\x4e\x46", zst.PayloadLibxc},
	{"\x01\x00\x00\x00\x10\x00\x00\x00\x45\x56\x41\x53", zst.PayloadDomainContext},
	{"\x01\x00\x00\x00\x18\x00\x00\x00\x86\x12\x38\x54", zst.PayloadHVMContext},
	{"\x01\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00", zst.PayloadDomainContext},
}

// Every byte of a beginning counts, except the length in a compact HEADER.
//
// Proves: TR-95
func TestRecognise(t *testing.T) {
	for _, c := range knownPayloads {
		if len(c.first) > recogniseSize {
			t.Fatalf("%q is longer than recogniseSize", c.first)
		}
		if got := recognise([]byte(c.first + "more")); got != c.want {
			t.Errorf("%q: %s, want %s", c.first, got, c.want)
		}
		if got := recognise([]byte(c.first[:len(c.first)-1])); got != zst.PayloadOpaque {
			t.Errorf("%q cut: %s", c.first, got)
		}
		for i := range c.first {
			b := []byte(c.first)
			b[i] ^= 0x80
			compactLength := len(c.first) == 12 && c.want == zst.PayloadDomainContext && i >= 4 && i < 8
			if got := recognise(b); (got != zst.PayloadOpaque) != compactLength {
				t.Errorf("%q: %s", b, got)
			}
		}
	}
	zeroLength := []byte("\x01\x00\x00\x00\x00\x00\x00\x00\x45\x56\x41\x53")
	if got := recognise(zeroLength); got != zst.PayloadOpaque {
		t.Errorf("HEADER of length 0: %s", got)
	}
}
