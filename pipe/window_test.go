package pipe

import (
	"bytes"
	"errors"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
)

// An encoder that does not know the size names the largest window it may use:
// what counts is the limit on windows, and nothing is allocated for what is not
// needed.
func TestLargeWindowOfAShortFrame(t *testing.T) {
	for _, content := range [][]byte{[]byte("short"), payloads(wholeForeign / 2)["words"], payloads(wholeForeign + 1)["words"]} {
		stream := streamed(t, content, zstd.WithWindowSize(128<<20))
		n := allocated(func() {
			if got, _, err := restore(t, stream); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes of %d, %v", len(got), len(content), err)
			}
		})
		if len(content) < wholeForeign && n > 16*wholeForeign && !raceEnabled {
			t.Errorf("%d bytes allocated for %d", n, len(content))
		}
	}
}

// What is refused for its window says how large that is.
//
// Proves: TR-80
func TestWindowError(t *testing.T) {
	streamed := streamed(t, []byte("short"), zstd.WithWindowSize(256<<20))
	for _, c := range []struct {
		name   string
		stream []byte
		window uint64
	}{
		{"size unknown", streamed, 256 << 20},
		{"single segment", []byte("\x28\xb5\x2f\xfd\xa0\x01\x00\x20\x08"), 130<<20 + 1},
	} {
		var w *WindowError
		_, _, err := restore(t, c.stream)
		wantRule(t, c.name, err, "TR-80", frame.ErrTooLarge)
		if !errors.As(err, &w) || w.Window != c.window {
			t.Errorf("%s: %v, want a window of %d", c.name, err, c.window)
		}
		if _, _, err := restore(t, c.stream, WithMaxWindow(int64(c.window)-1)); !errors.As(err, &w) {
			t.Errorf("%s, one less: %v", c.name, err)
		}
	}
	if _, _, err := restore(t, streamed, WithMaxWindow(256<<20)); err != nil {
		t.Errorf("just enough: %v", err)
	}
}
