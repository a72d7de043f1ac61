package zst

import (
	"bytes"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// A data frame is what its parts make, whatever size the field for the content's has:
// the specification allows it, and a codec takes it.
//
// Proves: TR-20, TR-21, TR-22, TR-24
func TestDataFrame(t *testing.T) {
	dec := newDecoder(t)
	for _, n := range []int{1, 255, 256, 65791, 65792, MaxBlock} {
		content := bytes.Repeat([]byte("xyz"), n)[:n]
		f := BeginData([]byte("before"), n)
		f = append(f, byte(1|n<<3), byte(n>>5), byte(n>>13)) // a raw block, the last one
		f = FinishData(append(f, content...), ContentHash(content))[len("before"):]
		h, err := ParseFrameHeader(f)
		if err != nil || h.ContentSize != uint64(n) || CheckData(h, MaxBlock) != nil {
			t.Errorf("%d bytes: %+v, %v", n, h, err)
		}
		if got, err := dec.DecodeAll(f, nil); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: came back as %d, %v", n, len(got), err)
		}
		sum, ok := Checksum(f)
		if want := uint32(xxhash.Sum64(content)); !ok || sum != want {
			t.Errorf("%d bytes: checksum %x, %v, want %x", n, sum, ok, want)
		}
	}
}

func TestChecksum(t *testing.T) {
	without := "\x28\xb5\x2f\xfd\x20\x03\x19\x00\x00abc"
	for name, whole := range map[string]string{
		"nothing": "", "a frame without one": without, "a skippable frame": "\x5c\x2a\x4d\x18\x00\x00\x00\x00",
		"a header alone": "\x28\xb5\x2f\xfd\x24\x03",
	} {
		if sum, ok := Checksum([]byte(whole)); ok {
			t.Errorf("%s: checksum %x", name, sum)
		}
	}
}
