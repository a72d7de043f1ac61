package zst

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
)

// walk finds the length of the frame that b begins with.
func walk(b []byte) (*Walker, error) {
	var w Walker
	for w.Need() > 0 {
		if w.InBlocks() != (w.Pos() > 0) { // the header is passed at once
			return &w, errors.New("the Walker does not know where it is")
		}
		if w.Pos() > int64(len(b)) {
			return &w, io.ErrUnexpectedEOF
		}
		if err := w.Step(b[w.Pos():]); err != nil {
			return &w, err
		}
	}
	if w.Pos() > int64(len(b)) {
		return &w, io.ErrUnexpectedEOF
	}
	return &w, nil
}

// frames gives frames of many shapes: known and unknown size, with and without
// checksum, raw, repeated and compressed blocks.
func frames(t testing.TB) map[string][]byte {
	random := make([]byte, 300_000)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(random)
	all := map[string][]byte{}
	for name, content := range map[string][]byte{
		"empty": {}, "one": {7}, "255": random[:255], "256": random[:256],
		"zero": make([]byte, 300_000), "random": random,
	} {
		for _, crc := range []bool{true, false} {
			enc, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(crc))
			if err != nil {
				t.Fatal(err)
			}
			suffix := map[bool]string{true: "", false: ", no checksum"}[crc]
			all[name+" whole"+suffix] = enc.EncodeAll(content, nil)
			var b bytes.Buffer
			enc.Reset(&b)
			for part := content; len(part) > 0; part = part[min(len(part), 70_000):] {
				enc.Write(part[:min(len(part), 70_000)])
				enc.Flush()
			}
			enc.Close()
			all[name+" streamed"+suffix] = b.Bytes()
			enc.Close()
		}
	}
	return all
}

func TestWalkerFindsTheEnd(t *testing.T) {
	for name, f := range frames(t) {
		if len(f) == 0 {
			continue
		}
		w, err := walk(append(bytes.Clone(f), "behind the frame"...))
		if err != nil || w.Pos() != int64(len(f)) {
			t.Errorf("%s: length %d, %v; want %d", name, w.Pos(), err, len(f))
		}
		dec, _ := zstd.NewReader(nil)
		content, err := dec.DecodeAll(f, nil)
		dec.Close()
		if err != nil || int64(len(content)) > w.MaxContent() {
			t.Errorf("%s: %d bytes, %v; MaxContent is %d", name, len(content), err, w.MaxContent())
		}
		for n := range min(len(f), 1000) {
			if _, err := walk(f[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s cut at %d: %v", name, n, err)
			}
		}
	}
}

func TestWalkerSeesCompressedBlocks(t *testing.T) {
	header := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 2}
	for name, c := range map[string]struct {
		blocks string
		want   bool
	}{
		"raw and repeated": {"\x08\x00\x00x\x0b\x00\x00x", false},
		"compressed last":  {"\x08\x00\x00x\x0d\x00\x00x", true},
		"compressed first": {"\x0c\x00\x00x\x09\x00\x00x", true},
	} {
		w, err := walk(append(bytes.Clone(header), c.blocks...))
		if err != nil || w.Compressed() != c.want {
			t.Errorf("%s: %v, %v", name, w.Compressed(), err)
		}
	}
}

// Our own reading of a frame header agrees with the codec's.
func FuzzFrameHeader(f *testing.F) {
	for _, b := range frames(f) {
		f.Add(b[:min(len(b), 32)])
	}
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xc3, 0x98, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, b []byte) {
		var want zstd.Header
		wantErr := want.Decode(b)
		h, err := ParseFrameHeader(b)
		if want.Skippable {
			return
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error %v, codec says %v", err, wantErr)
		}
		if err != nil {
			return
		}
		if h.Size != want.HeaderSize || h.ContentSize != want.FrameContentSize || h.HasContentSize != want.HasFCS ||
			h.SingleSegment != want.SingleSegment || h.Checksum != want.HasCheckSum || h.Dictionary != (want.DictionaryID != 0) ||
			!h.SingleSegment && h.Window != want.WindowSize {
			t.Fatalf("%+v\ncodec says %+v", h, want)
		}
		_, _ = walk(b)
	})
}

// Proves: TR-20, TR-21, TR-22
func TestCheckData(t *testing.T) {
	good := FrameHeader{ContentSize: 5, HasContentSize: true, SingleSegment: true, Checksum: true}
	if err := CheckData(good, MinChunk); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		change func(*FrameHeader)
		rule   frame.Rule
	}{
		"no size":    {func(h *FrameHeader) { h.HasContentSize = false }, "TR-20"},
		"empty":      {func(h *FrameHeader) { h.ContentSize = 0 }, "TR-20"},
		"too large":  {func(h *FrameHeader) { h.ContentSize = MinChunk + 1 }, "TR-20"},
		"checksum":   {func(h *FrameHeader) { h.Checksum = false }, "TR-21"},
		"segments":   {func(h *FrameHeader) { h.SingleSegment = false }, "TR-22"},
		"dictionary": {func(h *FrameHeader) { h.Dictionary = true }, "TR-22"},
		"unused bit": {func(h *FrameHeader) { h.UnusedBit = true }, "TR-22"},
	} {
		h := good
		c.change(&h)
		wantError(t, name, CheckData(h, MinChunk), c.rule, frame.ErrCorrupt)
	}
}

// What is no whole header of an ordinary frame is not taken for one.
//
// Proves: TR-60, TR-62
func TestFrameHeaderRefused(t *testing.T) {
	longest := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xc3, 0x98, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8}
	if h, err := ParseFrameHeader(longest); err != nil || h.Size != len(longest) {
		t.Fatalf("%+v, %v", h, err)
	}
	for n := range longest {
		_, err := ParseFrameHeader(longest[:n])
		wantError(t, fmt.Sprintf("cut at %d", n), err, "TR-62", io.ErrUnexpectedEOF)
	}
	for bit := range 32 {
		b := bytes.Clone(longest)
		b[bit/8] ^= 1 << (bit % 8)
		_, err := ParseFrameHeader(b)
		wantError(t, fmt.Sprintf("bit %d of the magic", bit), err, "TR-60", frame.ErrCorrupt)
	}
}

// Proves: TR-23
func TestMaxFrameSize(t *testing.T) {
	for content, want := range map[int]int{1: 65, 255: 319, 256: 321, MinChunk: 65536 + 256 + 64, MaxChunk: 268435456 + 1048576 + 64} {
		if got := MaxFrameSize(content); got != want {
			t.Errorf("%d bytes of content: at most %d, want %d", content, got, want)
		}
	}
}

// Proves: TR-22
func TestReservedBitRefused(t *testing.T) {
	_, err := ParseFrameHeader([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x28, 1})
	wantError(t, "reserved bit", err, "TR-22", frame.ErrCorrupt)
}

// Proves: TR-24
func TestBadBlockRefused(t *testing.T) {
	header := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 1}
	for name, block := range map[string][]byte{
		"reserved type":  {0x07, 0, 0},
		"raw too large":  {0x01, 0x00, 0x11}, // 0x22000 bytes
		"run too large":  {0x03, 0x00, 0x11},
		"comp too large": {0x05, 0x00, 0x11},
	} {
		_, err := walk(append(bytes.Clone(header), block...))
		wantError(t, name, err, "TR-24", frame.ErrCorrupt)
		wantAt(t, name, err, 0) // from where the Walker stands
	}
}
