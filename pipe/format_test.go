package pipe

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
)

// A writer asks for no more than a stream needs, so a stream for an old reader is the same
// one to the byte.
func TestFormatChangesNoByte(t *testing.T) {
	payload := vectest.RealStream(t)
	for name, opts := range map[string][]Option{
		"zstd": nil, "elide": {WithLevel(LevelElide)}, "fast": {WithWire(zst.WireCtxpipe), WithLevel(LevelFast)},
	} {
		stream := compressWith(t, payload, opts...)
		if !bytes.Equal(stream, compressWith(t, payload, append(opts, WithFormat(zst.FormatBase))...)) {
			t.Errorf("%s: another stream", name)
		}
		h := headerOf(t, stream)
		if h.Format != 0 || h.Live {
			t.Errorf("%s: asks for format %d, live %v", name, h.Format, h.Live)
		}
	}
	if h := headerOf(t, sealedLive(t, payload, WithFormat(zst.FormatLive))); h.Format != zst.FormatLive || !h.Live {
		t.Errorf("a live stream asks for format %d, live %v", h.Format, h.Live)
	}
}

// headerOf gives the header of a sealed stream.
func headerOf(t testing.TB, stream []byte) zst.Header {
	t.Helper()
	size := int(stream[4]) | int(stream[5])<<8
	h, err := zst.ParseHeader(stream[8 : 8+size])
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// What an old reader cannot read is not promised to it.
func TestFormatRefused(t *testing.T) {
	for name, opts := range map[string][]Option{
		"live":     {WithLive(time.Second), WithFormat(zst.FormatBase)},
		"too low":  {WithFormat(zst.FormatBase - 1)},
		"too high": {WithFormat(zst.Format + 1)},
	} {
		if _, err := NewCompressor(io.Discard, opts...); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A stream for a newer reader is refused by every reader, which says what it would need.
func TestFormatNewer(t *testing.T) {
	unknown := []byte{0x09, 0x80, 1, 0, 1} // a mandatory field of the future
	stream := zst.AppendHeader(nil, zst.Header{Chunk: testChunk, Format: 9, Optional: unknown})
	judge := func(who string, err error) {
		t.Helper()
		var needs *zst.FormatError
		if !errors.As(err, &needs) || needs.Needs != 9 || !errors.Is(err, frame.ErrUnsupported) {
			t.Errorf("%s: %v", who, err)
		}
	}
	got, _, err := restore(t, stream)
	judge("Restorer", err)
	if len(got) != 0 {
		t.Errorf("%d bytes came out", len(got))
	}
	_, err = List(bytes.NewReader(stream))
	judge("List", err)
}
