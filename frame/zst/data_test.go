package zst

import (
	"bytes"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
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
		f = FinishData(append(f, content...), content)[len("before"):]
		h, err := ParseFrameHeader(f)
		if err != nil || h.ContentSize != uint64(n) || CheckData(h, MaxBlock) != nil {
			t.Errorf("%d bytes: %+v, %v", n, h, err)
		}
		if got, err := dec.DecodeAll(f, nil); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: came back as %d, %v", n, len(got), err)
		}
		f[len(f)-1] ^= 1
		_, err = Unelide(make([]byte, 0, n), f, n)
		wantError(t, "changed checksum", err, "TR-24", frame.ErrCorrupt)
	}
}
