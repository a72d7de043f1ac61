package zst

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
)

// payloadOf gives what stands behind magic and size.
func payloadOf(f []byte) []byte { return f[SkippableHeaderSize:] }

// forgeHeader makes a header's payload with a right check out of any parts.
func forgeHeader(version, reserved uint16, chunk uint32, fields string) []byte {
	b := begin(nil, markHeader)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = binary.LittleEndian.AppendUint16(b, reserved)
	b = binary.LittleEndian.AppendUint32(b, chunk)
	b, _ = finish(append(b, fields...), 0)
	return payloadOf(b)
}

// The bytes were worked out by hand from the spec, the check excepted.
//
// Proves: TR-1
func TestHeaderBytes(t *testing.T) {
	got := AppendHeader(nil, Header{Chunk: 1 << 20, Payload: PayloadXL})
	want, _ := hex.DecodeString("5c2a4d18" + "1a000000" + hex.EncodeToString([]byte("ctxpipeH")) +
		"0100" + "0000" + "00001000" + "0100" + "0200" + "786c")
	if !bytes.Equal(got[:len(got)-4], want) {
		t.Fatalf("header\n%x, want\n%x", got[:len(got)-4], want)
	}
	magic, size, err := ParseSkippableHeader(got)
	if magic != MagicOwn || int(size) != len(got)-8 || err != nil {
		t.Fatalf("ParseSkippableHeader = %#x, %d, %v", magic, size, err)
	}
}

// Proves: TR-13, TR-14, TR-16, TR-17, TR-18, TR-19
func TestHeaderRoundTrip(t *testing.T) {
	for _, want := range []Header{
		{Chunk: MinChunk},
		{Chunk: MaxChunk, Payload: PayloadDomainContext},
		{Chunk: MinChunk, Payload: "some-other-2"},
		{Chunk: MinChunk, Payload: PayloadXL, Optional: []byte("\x03\x00\x03\x00abc\x05\x00\x00\x00")},
		{Chunk: MinChunk, Wire: WireCtxpipe},
		{Chunk: MinChunk, Payload: PayloadXL, Wire: WireCtxpipe, Optional: []byte("\x03\x00\x03\x00abc")},
		{Chunk: MinChunk, Payload: PayloadXL, Live: true, Format: FormatLive},
		{Chunk: MinChunk, Wire: WireCtxpipe, Live: true, Format: 7, Optional: []byte("\x03\x00\x03\x00abc")},
	} {
		got, err := ParseHeader(payloadOf(AppendHeader(nil, want)))
		if err != nil {
			t.Errorf("%+v: %v", want, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// Proves: TR-4, TR-5, TR-10, TR-11, TR-12, TR-13, TR-14, TR-15, TR-17, TR-18, TR-97
func TestHeaderRefused(t *testing.T) {
	flipped := forgeHeader(1, 0, MinChunk, "")
	flipped[len(flipped)-1] ^= 1
	wrongMark := forgeHeader(1, 0, MinChunk, "")
	wrongMark[0] ^= 1
	for _, c := range []struct {
		name    string
		payload []byte
		rule    frame.Rule
		is      error
		at      int // in the frame
	}{
		{"empty", nil, "TR-10", frame.ErrCorrupt, 4},
		{"too small", make([]byte, minHeaderSize-1), "TR-10", frame.ErrCorrupt, 4},
		{"too large", make([]byte, MaxHeaderSize+1), "TR-10", frame.ErrTooLarge, 4},
		{"mark", wrongMark, "TR-5", frame.ErrCorrupt, 8},
		{"check", flipped, "TR-4", frame.ErrCorrupt, 24},
		{"version 0", forgeHeader(0, 0, MinChunk, ""), "TR-11", frame.ErrUnsupported, 16},
		{"version 2", forgeHeader(2, 0, MinChunk, ""), "TR-11", frame.ErrUnsupported, 16},
		{"reserved", forgeHeader(1, 1, MinChunk, ""), "TR-12", frame.ErrCorrupt, 18},
		{"chunk 0", forgeHeader(1, 0, 0, ""), "TR-13", frame.ErrCorrupt, 20},
		{"chunk small", forgeHeader(1, 0, MinChunk-1, ""), "TR-13", frame.ErrCorrupt, 20},
		{"chunk large", forgeHeader(1, 0, MaxChunk+1, ""), "TR-13", frame.ErrCorrupt, 20},
		{"half a field", forgeHeader(1, 0, MinChunk, "\x01\x00\x02"), "TR-14", frame.ErrCorrupt, 24},
		{"a byte of a field", forgeHeader(1, 0, MinChunk, "\x01"), "TR-14", frame.ErrCorrupt, 24},
		{"long field", forgeHeader(1, 0, MinChunk, "\x01\x00\x03\x00xl"), "TR-14", frame.ErrCorrupt, 24},
		{"type 0", forgeHeader(1, 0, MinChunk, "\x00\x00\x00\x00"), "TR-14", frame.ErrCorrupt, 24},
		{"payload twice", forgeHeader(1, 0, MinChunk, "\x01\x00\x02\x00xl\x01\x00\x02\x00xl"), "TR-14", frame.ErrCorrupt, 30},
		{"types fall", forgeHeader(1, 0, MinChunk, "\x03\x00\x00\x00\x02\x00\x00\x00"), "TR-14", frame.ErrCorrupt, 28},
		{"mandatory", forgeHeader(1, 0, MinChunk, "\x03\x80\x00\x00"), "TR-15", frame.ErrUnsupported, 24},
		{"mandatory behind optional", forgeHeader(1, 0, MinChunk, "\x03\x00\x00\x00\x03\x80\x00\x00"), "TR-15", frame.ErrUnsupported, 28},
		{"wire of two bytes", forgeHeader(1, 0, MinChunk, "\x01\x80\x02\x00\x01\x00"), "TR-18", frame.ErrCorrupt, 24},
		{"wire 0", forgeHeader(1, 0, MinChunk, "\x01\x80\x01\x00\x00"), "TR-18", frame.ErrUnsupported, 24},
		{"wire 2", forgeHeader(1, 0, MinChunk, "\x01\x80\x01\x00\x02"), "TR-18", frame.ErrUnsupported, 24},
		{"live of two bytes", forgeHeader(1, 0, MinChunk, "\x02\x80\x02\x00\x01\x00"), "TR-18", frame.ErrCorrupt, 24},
		{"live 2", forgeHeader(1, 0, MinChunk, "\x02\x80\x01\x00\x02"), "TR-18", frame.ErrUnsupported, 24},
		{"format 0", forgeHeader(1, 0, MinChunk, "\x02\x00\x02\x00\x00\x00"), "TR-19", frame.ErrCorrupt, 24},
		{"format of one byte", forgeHeader(1, 0, MinChunk, "\x02\x00\x01\x00\x02"), "TR-19", frame.ErrCorrupt, 24},
		{"no name", forgeHeader(1, 0, MinChunk, "\x01\x00\x00\x00"), "TR-17", frame.ErrCorrupt, 24},
		{"bad name", forgeHeader(1, 0, MinChunk, "\x01\x00\x02\x00XL"), "TR-17", frame.ErrCorrupt, 24},
		{"long name", forgeHeader(1, 0, MinChunk, "\x01\x00\x21\x00"+strings.Repeat("x", 33)), "TR-17", frame.ErrCorrupt, 24},
	} {
		_, err := ParseHeader(c.payload)
		wantError(t, c.name, err, c.rule, c.is)
		wantAt(t, c.name, err, c.at)
	}
}

// Who cannot read a stream is told what it needs, and advised to upgrade.
//
// Proves: TR-11, TR-19
func TestOutdated(t *testing.T) {
	for _, c := range []struct {
		payload []byte
		needs   int
	}{
		{forgeHeader(2, 0, MinChunk, ""), 0},
		{forgeHeader(1, 0, MinChunk, "\x03\x80\x00\x00"), 0},
		{forgeHeader(1, 0, MinChunk, "\x02\x00\x02\x00\x09\x00\x03\x80\x00\x00"), 9},
		{forgeHeader(1, 0, MinChunk, "\x02\x00\x02\x00\x09\x00\x02\x80\x01\x00\x02"), 9},
	} {
		_, err := ParseHeader(c.payload)
		var needs *FormatError
		if !errors.As(err, &needs) || needs.Needs != c.needs || !strings.Contains(err.Error(), needs.Error()+": upgrade it") {
			t.Errorf("%x: error %v, want one that names format %d and advises to upgrade", c.payload, err, c.needs)
		}
	}
}

func wantError(t *testing.T, name string, err error, rule frame.Rule, is error) {
	t.Helper()
	var e *frame.Error
	if !errors.As(err, &e) || e.Rule != rule || !errors.Is(err, is) || e.Layer != Layer {
		t.Errorf("%s: error %v, want one of rule %s that is %v", name, err, rule, is)
	}
}

// wantAt demands the place in the frame.
func wantAt(t *testing.T, name string, err error, at int) {
	t.Helper()
	var e *frame.Error
	if errors.As(err, &e) && e.Offset != int64(at) {
		t.Errorf("%s: error %v, want it at %d", name, err, at)
	}
}

// What is accepted is encoded as one sequence of bytes only.
func FuzzHeader(f *testing.F) {
	f.Add(payloadOf(AppendHeader(nil, Header{Chunk: MinChunk, Payload: PayloadXL})))
	f.Add(forgeHeader(1, 0, MinChunk, "\x01\x00\x02\x00xl\x03\x00\x01\x00a"))
	f.Add(forgeHeader(1, 0, MinChunk, "\x03\x80\x00\x00"))
	f.Add(payloadOf(AppendHeader(nil, Header{Chunk: MinChunk, Live: true, Format: FormatLive})))
	f.Add(payloadOf(AppendHeader(nil, Header{Chunk: MinChunk, Payload: PayloadXL, Wire: WireCtxpipe})))
	f.Fuzz(func(t *testing.T, payload []byte) {
		try := func(p []byte) {
			if h, err := ParseHeader(p); err == nil {
				if again := payloadOf(AppendHeader(nil, h)); !bytes.Equal(again, p) {
					t.Fatalf("accepted %x, encodes as %x", p, again)
				}
			}
		}
		try(payload)
		// The check keeps a fuzzer from getting any further by itself.
		payload = bytes.Clone(payload)
		fix(payload)
		try(payload)
	})
}
