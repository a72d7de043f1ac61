package zst

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/zeebo/xxh3"

	"github.com/ctxpipe/ctxpipe/frame"
)

func fastFrame(content, block string) []byte {
	f, _ := FinishFast(append(BeginFast(nil, uint32(len(content)), DigestOf([]byte(content))), block...), 0)
	return f
}

func TestFastBytes(t *testing.T) {
	got := fastFrame("abc", "\x03\x08abc")
	digest := DigestOf([]byte("abc"))
	want, _ := hex.DecodeString("5c2a4d18" + "29000000" + hex.EncodeToString([]byte("ctxpipeF")) +
		"03000000" + "00000000" + hex.EncodeToString(digest[:]) + "0308" + "616263")
	if !bytes.Equal(got[:len(got)-4], want) {
		t.Fatalf("fast frame\n%x, want\n%x and a check", got, want)
	}
	if err := CheckFast(uint32(len(got)-SkippableHeaderSize), payloadOf(got), MinChunk); err != nil {
		t.Fatal(err)
	}
	f, err := ParseFast(payloadOf(got))
	if err != nil {
		t.Fatal(err)
	}
	hash := xxh3.Hash(payloadOf(got)[:len(got)-SkippableHeaderSize-checkSize])
	if diff := cmp.Diff(Fast{Content: 3, Digest: digest, Block: []byte("\x03\x08abc"), Wire: hash}, f); diff != "" {
		t.Error(diff)
	}
	if want := (Item{Size: 3, Content: xxh3.Hash128([]byte("abc")).Lo, Wire: hash}); f.Item() != want {
		t.Errorf("item %+v, want %+v", f.Item(), want)
	}
	if diff := cmp.Diff(Fast{Content: 3, Digest: digest}, PeekFast(payloadOf(got)[:FastBlockOffset])); diff != "" {
		t.Errorf("peeked: %s", diff)
	}
	if e := FastEntry(got, f); e != (Entry{uint32(len(got)), 3, digest.low32()}) {
		t.Errorf("entry %+v", e)
	}
}

// Proves: TR-4, TR-5, TR-27
func TestFastRefused(t *testing.T) {
	good := payloadOf(fastFrame("abc", "\x03\x08abc"))
	for _, c := range []struct {
		name  string
		size  int
		chunk uint32
		at    int // in the frame
	}{
		{"chunk smaller", len(good), 2, 16},
		{"block empty", FastBlockOffset + checkSize, 3, 4},
		{"too large", MaxFrameSize(3) - SkippableHeaderSize + 1, 3, 4},
	} {
		err := CheckFast(uint32(c.size), good, c.chunk)
		wantError(t, c.name, err, "TR-27", frame.ErrCorrupt)
		wantAt(t, c.name, err, c.at)
	}
	if err := CheckFast(uint32(MaxFrameSize(3)-SkippableHeaderSize), good, 3); err != nil {
		t.Error(err)
	}
	wantError(t, "no content", CheckFast(uint32(len(good)), payloadOf(fastFrame("", "\x00")), 3), "TR-27", frame.ErrCorrupt)
	change := func(at int, fixed bool) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		if fixed {
			fix(b)
		}
		return b
	}
	for _, c := range []struct {
		name    string
		payload []byte
		rule    frame.Rule
		at      int // in the frame
	}{
		{"check", change(len(good)-1, false), "TR-4", 45},
		{"block", change(FastBlockOffset, false), "TR-4", 45},
		{"mark", change(7, true), "TR-5", 8},
		{"reserved", change(12, true), "TR-27", 20},
	} {
		_, err := ParseFast(c.payload)
		wantError(t, c.name, err, c.rule, frame.ErrCorrupt)
		wantAt(t, c.name, err, c.at)
	}
}

// A fast frame that is too short for its fields is cut, even where its check is right.
//
// Proves: TR-5, TR-62
func TestFastCut(t *testing.T) {
	good := payloadOf(fastFrame("abc", "\x03\x08abc"))
	for n := range FastBlockOffset + checkSize {
		b := bytes.Clone(good[:n])
		if n >= markSize+checkSize {
			fix(b)
		}
		_, err := ParseFast(b)
		if name := fmt.Sprintf("%d bytes", n); n < markSize {
			wantError(t, name, err, "TR-5", frame.ErrCorrupt)
		} else {
			wantError(t, name, err, "TR-62", io.ErrUnexpectedEOF)
			wantAt(t, name, err, SkippableHeaderSize+n)
		}
	}
}

func FuzzFast(f *testing.F) {
	f.Add(payloadOf(fastFrame("abc", "\x03\x08abc")))
	f.Fuzz(func(t *testing.T, payload []byte) {
		fix(payload)
		if len(payload) < FastBlockOffset || CheckFast(uint32(len(payload)), payload, MinChunk) != nil {
			return
		}
		if p, err := ParseFast(payload); err == nil {
			again, made := FinishFast(append(BeginFast(nil, p.Content, p.Digest), p.Block...), 0)
			if !bytes.Equal(payloadOf(again), payload) {
				t.Fatalf("accepted %x, encodes as %x", payload, again)
			}
			if diff := cmp.Diff(p, made); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

// No decoder but ours passes a lock.
//
// Proves: TR-29
func TestLock(t *testing.T) {
	l := AppendLock(nil)
	if err := CheckLock(append(bytes.Clone(l), 1)); err != nil || len(l) != LockSize {
		t.Error(err)
	}
	for at := range l {
		b := bytes.Clone(l)
		b[at] ^= 1
		wantError(t, "changed lock", CheckLock(b), "TR-29", frame.ErrCorrupt)
	}
	var w Walker
	for w.Need() > 0 {
		if err := w.Step(l[w.Pos():]); err != nil {
			t.Fatal(err)
		}
	}
	if h := w.Header(); w.Pos() != int64(len(l)) || !h.Dictionary || !h.HasContentSize || h.ContentSize != 0 {
		t.Errorf("walked %d bytes, header %+v", w.Pos(), h)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	if _, err := dec.DecodeAll(l, nil); err == nil {
		t.Error("klauspost's decoder passes a lock")
	}
	name, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("no zstd command")
	}
	cmd := exec.Command(name, "-dc")
	cmd.Stdin = strings.NewReader(string(AppendHeader(nil, Header{Chunk: MinChunk, Wire: WireCtxpipe})) + string(l))
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("zstd passes a lock: %s", out)
	}
}
