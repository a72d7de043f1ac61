package zst

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
)

// unelide is Unelide into a buffer with room for size bytes and none more, and what its caller
// does with the checksum.
func unelide(whole []byte, size int) ([]byte, error) {
	dst := append(make([]byte, 0, 6+size), "before"...)
	dst, err := Unelide(dst, whole, size)
	content := dst[len("before"):]
	if sum, ok := Checksum(whole); err == nil && ok && sum != uint32(ContentHash(content)) {
		err = errors.New("checksum differs")
	}
	return content, err
}

func TestUnelide(t *testing.T) {
	for name, content := range elidable(300 << 10) {
		whole, _ := elided(t, new(Elider), content)
		if !Elided(whole) {
			t.Errorf("%s: not elided", name)
			continue
		}
		got, err := unelide(whole, len(content))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes came back as %d: %v", name, len(content), len(got), err)
		}
		if _, err := unelide(whole, len(content)-1); !errors.Is(err, frame.ErrCorrupt) {
			t.Errorf("%s: too much content: %v", name, err)
		}
	}
}

// What no Elider made is refused as a codec would refuse it.
//
// Proves: TR-24, TR-60, TR-62
func TestUnelideRefused(t *testing.T) {
	for name, c := range map[string]struct {
		whole string
		rule  frame.Rule
		is    error
	}{
		"nothing":           {"", "TR-62", io.ErrUnexpectedEOF},
		"half a header":     {"\x28\xb5\x2f\xfd\x60\x03", "TR-62", io.ErrUnexpectedEOF},
		"a skippable frame": {"\x5c\x2a\x4d\x18\x00\x00\x00\x00", "TR-60", frame.ErrCorrupt},
		"a reserved block":  {"\x28\xb5\x2f\xfd\x20\x03\x1f\x00\x00abc", "TR-24", frame.ErrCorrupt},
		"too large a block": {"\x28\xb5\x2f\xfd\x20\x03\x01\x00\x11abc", "TR-24", frame.ErrCorrupt},
		"content too short": {"\x28\xb5\x2f\xfd\x20\x04\x19\x00\x00abc", "TR-24", frame.ErrCorrupt},
		"content too long":  {"\x28\xb5\x2f\xfd\x20\x02\x19\x00\x00abc", "TR-24", frame.ErrCorrupt},
	} {
		_, err := unelide([]byte(c.whole), 100)
		wantError(t, name, err, c.rule, c.is)
	}
}

func TestElidedNeedsOneWholeFrame(t *testing.T) {
	whole, _ := elided(t, new(Elider), append([]byte("abc"), make([]byte, 5000)...))
	for n := range whole {
		if Elided(whole[:n]) {
			t.Errorf("the first %d bytes pass for a frame", n)
		}
	}
	if Elided(append(bytes.Clone(whole), 0)) {
		t.Error("a byte behind the frame was not seen")
	}
}

// storedFrames are frames without compressed blocks, each in a way of its own: content size or
// none, checksum or none, runs of what is not zero, empty blocks.
func storedFrames() [][]byte {
	return [][]byte{
		[]byte("\x28\xb5\x2f\xfd\x20\x03\x19\x00\x00abc"),
		[]byte("\x28\xb5\x2f\xfd\x20\x05\x10\x00\x00ab\x1b\x00\x00x"),
		[]byte("\x28\xb5\x2f\xfd\x00\x50\x10\x00\x00ab\x03\x02\x00\x00"),
		[]byte("\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"),
		[]byte("\x28\xb5\x2f\xfd\x04\x50\x1b\x00\x00a\x47\x6b\x1f\x0d"),
		[]byte("\x28\xb5\x2f\xfd\x20\x09\x19\x00\x00abc"),
	}
}

// agree demands that Unelide takes what klauspost's decoder takes, and as the same.
func agree(t *testing.T, dec *zstd.Decoder, whole []byte) {
	t.Helper()
	const most = 1 << 20
	if !Elided(whole) {
		return
	}
	got, err := unelide(whole, most)
	want, wantErr := dec.DecodeAll(whole, nil)
	if h, _ := ParseFrameHeader(whole); h.Dictionary || h.Window > most || errors.Is(wantErr, zstd.ErrWindowSizeTooSmall) {
		return // not asked about
	}
	if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
		t.Errorf("% x: %d bytes, %v; the codec: %d bytes, %v", whole[:min(len(whole), 64)], len(got), err, len(want), wantErr)
	}
}

func TestUnelideAgreesWithTheCodec(t *testing.T) {
	dec := newDecoder(t)
	whole, _ := elided(t, new(Elider), append([]byte("abcdef"), make([]byte, 5000)...))
	for _, f := range append(storedFrames(), whole) {
		agree(t, dec, f)
		for bit := range 8 * len(f) {
			f := bytes.Clone(f)
			f[bit/8] ^= 1 << (bit % 8)
			agree(t, dec, f)
		}
	}
}

func FuzzUnelide(f *testing.F) {
	for _, b := range storedFrames() {
		f.Add(b)
	}
	for _, content := range elidable(3 << 10) {
		whole, _ := elided(f, new(Elider), content)
		f.Add(whole)
	}
	dec := newDecoder(f)
	f.Fuzz(func(t *testing.T, whole []byte) { agree(t, dec, whole) })
}
