package pipe

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// What is accepted, ours or another's, the zstd command accepts too, and gives the same for
// it. The wire of ctxpipe is not for it.
//
// Proves: TR-2
func FuzzAgainstZstd(f *testing.F) {
	tool, err := exec.LookPath("zstd")
	if err != nil {
		f.Skip("no zstd command here")
	}
	f.Add(compress(f, nil))
	f.Add(compress(f, []byte("payload")))
	f.Add(join(header(), data(f, one), seal(false, one), data(f, two), seal(true, one, two)))
	f.Add(compress(f, payloads(3000)["words"]))
	f.Add(compress(f, append(make([]byte, 5000), "zeros, and more"...)))
	f.Add(whole(f, payloads(3000)["words"]))
	f.Add(append(skippable(0x184D2A50, "x"), streamed(f, payloads(2000)["words"])...))
	f.Add(append(zeroFrame(2, false), whole(f, []byte("foreign"))...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		got, info, err := restore(t, stream, WithMaxOutput(4<<20))
		if err != nil || info.Kind == Raw || info.Kind == Unknown || info.Wire == zst.WireCtxpipe {
			return
		}
		cmd := exec.Command(tool, "-dcq")
		cmd.Stdin = bytes.NewReader(stream)
		want, err := cmd.Output()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v: %d bytes, zstd gives %d, %v", info.Kind, len(got), len(want), err)
		}
	})
}
