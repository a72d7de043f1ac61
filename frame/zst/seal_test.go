package zst

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Proves: TR-1, TR-30
func TestSealBytes(t *testing.T) {
	var f Fold
	got := payloadOf(AppendSeal(nil, f.Seal(true)))
	want, _ := hex.DecodeString(hex.EncodeToString([]byte("ctxpipeS")) + "01000000" + "00000000" +
		"0000000000000000" + "0000000000000000" + "7f498d4624c30160d8984701d306aa99")
	if !bytes.Equal(got[:len(got)-4], want) || len(got) != SealSize || SealSize != 52 {
		t.Fatalf("seal\n%x, want\n%x and a check", got, want)
	}
}

func TestSealRoundTrip(t *testing.T) {
	var f Fold
	f.Add(ItemOf([]byte("frame"), []byte("abc")))
	for _, final := range []bool{false, true} {
		want := f.Seal(final)
		got, err := ParseSeal(payloadOf(AppendSeal(nil, want)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if want.Bytes != 3 || want.Frames != 1 || want.Final != final {
			t.Errorf("seal %+v", want)
		}
	}
}

// The fold is what the spec says in words: one hash over all items.
func TestFoldIsHashOfItems(t *testing.T) {
	var f Fold
	var items []byte
	for _, content := range []string{"one", "two", "three and more"} {
		wire := []byte("wire of " + content)
		f.Add(ItemOf(wire, []byte(content)))
		u := xxh3.Hash128([]byte(content))
		items = binary.LittleEndian.AppendUint64(items, uint64(len(content)))
		items = binary.LittleEndian.AppendUint64(items, u.Lo)
		items = binary.LittleEndian.AppendUint64(items, u.Hi)
		items = binary.LittleEndian.AppendUint64(items, xxh3.Hash(wire))
	}
	if f.Seal(true).Digest != DigestOf(items) {
		t.Error("fold differs from the hash of all items")
	}
}

// Proves: TR-4, TR-5, TR-30, TR-31, TR-97
func TestSealRefused(t *testing.T) {
	var f Fold
	good := payloadOf(AppendSeal(nil, f.Seal(true)))
	change := func(at int, fixCheck bool) []byte {
		b := bytes.Clone(good)
		b[at] ^= 2
		if fixCheck {
			binary.LittleEndian.PutUint32(b[SealSize-4:], check(b[:SealSize-4]))
		}
		return b
	}
	for _, c := range []struct {
		name    string
		payload []byte
		rule    frame.Rule
	}{
		{"short", good[:SealSize-1], "TR-30"},
		{"long", append(bytes.Clone(good), 0), "TR-30"},
		{"mark", change(7, true), "TR-5"},
		{"check", change(SealSize-1, false), "TR-4"},
		{"digest without check", change(40, false), "TR-4"},
		{"unknown flag", change(8, true), "TR-31"},
		{"reserved", change(12, true), "TR-31"},
	} {
		_, err := ParseSeal(c.payload)
		wantError(t, c.name, err, c.rule, frame.ErrCorrupt)
	}
}

// Proves: TR-32
func TestSealVerify(t *testing.T) {
	var f Fold
	f.Add(ItemOf([]byte("frame"), []byte("abc")))
	want := f.Seal(true)
	if err := want.Verify(f.Seal(false)); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*Seal){
		func(s *Seal) { s.Bytes++ },
		func(s *Seal) { s.Frames-- },
		func(s *Seal) { s.Digest[15] ^= 1 },
	} {
		s := want
		change(&s)
		wantError(t, "changed seal", s.Verify(want), "TR-32", frame.ErrCorrupt)
	}
}

func FuzzSeal(f *testing.F) {
	f.Add(payloadOf(AppendSeal(nil, Seal{Final: true, Bytes: 1, Frames: 1})))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) == SealSize {
			binary.LittleEndian.PutUint32(payload[SealSize-4:], check(payload[:SealSize-4]))
		}
		if s, err := ParseSeal(payload); err == nil {
			if again := payloadOf(AppendSeal(nil, s)); !bytes.Equal(again, payload) {
				t.Fatalf("accepted %x, encodes as %x", payload, again)
			}
		}
	})
}

func TestAppendDoesNotAllocate(t *testing.T) {
	var fold Fold
	var tables TableFold
	dst := make([]byte, 0, 256)
	n := testing.AllocsPerRun(100, func() {
		fold.Add(ItemOf(dst, dst[:1]))
		tables.Add(SkippableEntry(1))
		dst = AppendHeader(dst[:0], Header{Chunk: MinChunk, Payload: PayloadXL})
		dst = AppendSeal(dst[:0], fold.Seal(false))
		_, _ = ParseSeal(payloadOf(dst))
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
