package pipe

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
)

// What is accepted as sealed holds a payload that survives being compressed
// again; everything else ends in one of the errors that Read promises.
func FuzzRestore(f *testing.F) {
	f.Add(compress(f, nil))
	f.Add(compress(f, []byte("payload")))
	f.Add(join(header(), data(f, one), seal(false, one), data(f, two), seal(true, one, two)))
	f.Add(whole(f, []byte("foreign")))
	f.Add(append(skippable(0x184D2A50, "x"), streamed(f, []byte("foreign, foreign"))...))
	f.Add([]byte("LibxlFmt and more"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		got, info, err := restore(t, stream, WithMaxWindow(8<<20), WithMaxOutput(64<<20))
		if err != nil {
			for _, known := range []error{io.ErrUnexpectedEOF, frame.ErrCorrupt, frame.ErrTooLarge, frame.ErrUnsupported, frame.ErrUnknownType, frame.ErrSecondHeader} {
				if errors.Is(err, known) {
					return
				}
			}
			t.Fatalf("error of no kind: %v", err)
		}
		if info.Kind == Sealed {
			again, _, err := restore(t, compress(t, got))
			if err != nil || !bytes.Equal(again, got) {
				t.Fatalf("%d bytes, after compressing again %d, %v", len(got), len(again), err)
			}
		}
	})
}

// Any payload in any steps comes back, also one that begins like a save stream and is
// none, if nobody looks.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("payload"), uint16(1), uint16(3))
	f.Fuzz(func(t *testing.T, seed []byte, times, step uint16) {
		payload := bytes.Repeat(seed, int(times)%4096)
		payload = payload[:min(len(payload), 3*testChunk+17)]
		var b bytes.Buffer
		c := newTestCompressor(t, &b, WithCheck(CheckOff))
		writeSteps(t, c, payload, int(step))
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		got, _, err := restore(t, b.Bytes(), WithCheck(CheckOff))
		if err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(payload), err)
		}
	})
}
