package zst

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Sixteen magics begin a skippable frame, and nothing else does.
//
// Proves: TR-60, TR-62
func TestSkippableHeader(t *testing.T) {
	for low := range uint32(16) {
		b := AppendSkippableHeader(nil, 0x184D2A50|low, 0xfedcba98)
		if magic, size, err := ParseSkippableHeader(b); magic != 0x184D2A50|low || size != 0xfedcba98 || err != nil {
			t.Errorf("%x: %#x, %#x, %v", b, magic, size, err)
		}
		for n := range b {
			_, _, err := ParseSkippableHeader(b[:n])
			wantError(t, fmt.Sprintf("cut at %d", n), err, "TR-62", io.ErrUnexpectedEOF)
		}
		for bit := 4; bit < 32; bit++ {
			_, _, err := ParseSkippableHeader(AppendSkippableHeader(nil, 0x184D2A50|low^1<<bit, 8))
			wantError(t, fmt.Sprintf("bit %d of the magic", bit), err, "TR-60", frame.ErrCorrupt)
		}
	}
	_, _, err := ParseSkippableHeader(BeginData(nil, 1<<20))
	wantError(t, "an ordinary frame", err, "TR-60", frame.ErrCorrupt)
}

// A frame is told by its whole mark: one that is cut or changed is none of ours.
//
// Proves: TR-5
func TestMarkOf(t *testing.T) {
	for mark, f := range map[Mark][]byte{
		MarkHeader: AppendHeader(nil, Header{Chunk: MinChunk}),
		MarkFast:   fastFrame("abc", "\x03\x08abc"),
		MarkSeal:   AppendSeal(nil, new(Fold).Seal(true)),
	} {
		payload := payloadOf(f)
		if got := MarkOf(payload); got != mark {
			t.Errorf("%q: mark %d, want %d", payload[:markSize], got, mark)
		}
		for n := range markSize {
			if got := MarkOf(payload[:n]); got != MarkUnknown {
				t.Errorf("%q: mark %d", payload[:n], got)
			}
			payload[n] ^= 1
			if got := MarkOf(payload); got != MarkUnknown {
				t.Errorf("%q: mark %d", payload[:markSize], got)
			}
			payload[n] ^= 1
		}
	}
}

// The names are in what the command prints, also as JSON.
func TestWireNames(t *testing.T) {
	for w, want := range map[Wire]string{WireZstd: "zstd", WireCtxpipe: "ctxpipe"} {
		if b, err := json.Marshal(w); string(b) != `"`+want+`"` || w.String() != want || err != nil {
			t.Errorf("%v, %s, %v; want %s", w, b, err, want)
		}
	}
}
