package zst

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/cespare/xxhash/v2"
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
	if !bytes.Equal(got[:len(got)-4], want) || len(got) != 52 {
		t.Fatalf("seal\n%x, want\n%x and a check", got, want)
	}
}

// Proves: TR-16, TR-34, TR-35
func TestSealRoundTrip(t *testing.T) {
	var f Fold
	f.Add(Item{Size: 3, Content: 4, Wire: 5})
	levels, optional := f.Seal(true), f.Seal(true)
	levels.Levels, optional.Levels = []uint64{0, 1, 0}, []uint64{1}
	optional.Optional = []byte("\x02\x00\x03\x00abc\x05\x00\x00\x00")
	for _, want := range []Seal{f.Seal(false), f.Seal(true), levels, optional} {
		got, err := ParseSeal(payloadOf(AppendSeal(nil, want)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if got.Bytes != 3 || got.Frames != 1 || got.Verify(f.Seal(true)) != nil {
			t.Errorf("seal %+v", got)
		}
	}
}

// The fold is what the spec says in words: one hash over all items.
func TestFoldIsHashOfItems(t *testing.T) {
	var f Fold
	var items []byte
	for _, content := range []string{"one", "two", "three and more"} {
		hash, wire := xxhash.Sum64String(content), xxh3.HashString("wire of "+content)
		f.Add(Item{Size: len(content), Content: hash, Wire: wire})
		items = binary.LittleEndian.AppendUint64(items, uint64(len(content)))
		items = binary.LittleEndian.AppendUint64(items, hash)
		items = binary.LittleEndian.AppendUint64(items, wire)
	}
	if f.Seal(true).Digest != DigestOf(items) {
		t.Error("fold differs from the hash of all items")
	}
}

// forgeSeal makes a final seal's payload for two frames, with a right check and
// any fields.
func forgeSeal(fields string) []byte {
	return payloadOf(AppendSeal(nil, Seal{Final: true, Bytes: 2, Frames: 2, Optional: []byte(fields)}))
}

// Proves: TR-4, TR-5, TR-14, TR-15, TR-30, TR-31, TR-34, TR-35, TR-97
func TestSealRefused(t *testing.T) {
	var f Fold
	good := payloadOf(AppendSeal(nil, f.Seal(true)))
	change := func(at int, fixCheck bool) []byte {
		b := bytes.Clone(good)
		b[at] ^= 2
		if fixCheck {
			fix(b)
		}
		return b
	}
	long := string(make([]byte, 8*(MaxLevels+1)))
	for _, c := range []struct {
		name    string
		payload []byte
		rule    frame.Rule
		at      int // in the frame
	}{
		{"short", good[:len(good)-1], "TR-30", 4},
		{"half a field", forgeSeal("\x01\x00\x02"), "TR-14", 56},
		{"a byte of a field", forgeSeal("\x01"), "TR-14", 56},
		{"types fall", forgeSeal("\x03\x00\x00\x00\x02\x00\x00\x00"), "TR-14", 60},
		{"no levels", forgeSeal("\x01\x00\x00\x00"), "TR-35", 56},
		{"half a level", forgeSeal("\x01\x00\x04\x00\x02\x00\x00\x00"), "TR-35", 56},
		{"too many levels", forgeSeal("\x01\x00\x08\x01" + long), "TR-35", 56},
		{"levels too few", forgeSeal("\x01\x00\x08\x00\x01\x00\x00\x00\x00\x00\x00\x00"), "TR-35", 56},
		{"levels too many", forgeSeal("\x01\x00\x08\x00\x03\x00\x00\x00\x00\x00\x00\x00"), "TR-35", 56},
		{"mark", change(7, true), "TR-5", 8},
		{"check", change(len(good)-1, false), "TR-4", 56},
		{"digest without check", change(40, false), "TR-4", 56},
		{"unknown flag", change(8, true), "TR-31", 16},
		{"reserved", change(12, true), "TR-31", 16},
	} {
		_, err := ParseSeal(c.payload)
		wantError(t, c.name, err, c.rule, frame.ErrCorrupt)
		wantAt(t, c.name, err, c.at)
	}
	_, err := ParseSeal(make([]byte, maxSealSize+1))
	wantError(t, "too large", err, "TR-30", frame.ErrTooLarge)
	_, err = ParseSeal(forgeSeal("\x02\x80\x00\x00"))
	wantError(t, "mandatory", err, "TR-15", frame.ErrUnsupported)
}

// fix makes the check of a payload right, if it has room for one.
func fix(payload []byte) {
	if n := len(payload) - checkSize; n >= 0 {
		binary.LittleEndian.PutUint32(payload[n:], uint32(xxh3.Hash(payload[:n])))
	}
}

// Proves: TR-32
func TestSealVerify(t *testing.T) {
	var f Fold
	f.Add(Item{Size: 3, Content: 4, Wire: 5})
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
	f.Add(payloadOf(AppendSeal(nil, Seal{Final: true, Frames: 3, Levels: []uint64{1, 2}, Optional: []byte("\x02\x00\x01\x00a")})))
	f.Fuzz(func(t *testing.T, payload []byte) {
		fix(payload)
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
	dst, whole := make([]byte, 0, 256), []byte(itemFrame)
	n := testing.AllocsPerRun(100, func() {
		fold.Add(ItemOf(whole, 1, ContentHash(dst)))
		tables.Add(EmptyEntry(1))
		dst = AppendHeader(dst[:0], Header{Chunk: MinChunk, Payload: PayloadXL})
		dst = AppendSeal(dst[:0], fold.Seal(false))
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
