package pipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// madeAt makes the frame of a content at a level, as a worker does.
func madeAt(t testing.TB, content string, l Level) ([]byte, zst.Item) {
	t.Helper()
	f, made := madeBy(content, func(m *frameMaker, j *job) { m.make(j, l) })
	if made.err != nil || made.level != l {
		t.Fatalf("a frame of level %v instead of %v, %v", made.level, l, made.err)
	}
	return f, made.item
}

// allLevels gives a small sealed stream with a frame of every level that its wire
// allows, a seal behind each of them, and levels in the final one.
func allLevels(t testing.TB, wire zst.Wire) (stream, payload []byte) {
	t.Helper()
	text := testText(1130)
	frames := [][]byte{zst.AppendHeader(nil, zst.Header{Chunk: testChunk, Wire: wire})}
	if wire == zst.WireCtxpipe {
		frames = append(frames, zst.AppendLock(nil))
	}
	var fold zst.Fold
	levels := make([]uint64, madeLevels)
	for i, content := range []string{
		LevelElide: "raw, " + string(make([]byte, 5000)) + "and raw", LevelFast: text[:200],
		LevelFastest: text[200:450], LevelDefault: text[450:680], LevelBetter: text[680:910], LevelBest: text[910:],
	} {
		if Level(i) == LevelFast && wire != zst.WireCtxpipe {
			continue
		}
		f, item := madeAt(t, content, Level(i))
		fold.Add(item)
		levels[i]++
		payload = append(payload, content...)
		frames = append(frames, f, zst.AppendSeal(nil, fold.Seal(false)))
	}
	final := fold.Seal(true)
	final.Levels = levels
	return join(append(frames, zst.AppendSeal(nil, final))...), payload
}

// blockTypes gives the types of the blocks of an ordinary frame.
func blockTypes(t testing.TB, f []byte) (types []byte) {
	t.Helper()
	var w zst.Walker
	for w.Need() > 0 {
		if w.InBlocks() {
			types = append(types, f[w.Pos()]>>1&3)
		}
		if err := w.Step(f[w.Pos():]); err != nil {
			t.Fatal(err)
		}
	}
	return types
}

// The streams that the tests of damage use hold what they are to hold.
func TestAllLevelsAreInTheStream(t *testing.T) {
	for wire, fast := range map[zst.Wire]int64{zst.WireZstd: 0, zst.WireCtxpipe: 1} {
		stream, payload := allLevels(t, wire)
		got, info, err := restore(t, stream)
		if err != nil || !bytes.Equal(got, payload) || info.Wire != wire || info.Frames != 5+fast {
			t.Errorf("%v: %d bytes, %+v, %v", wire, len(got), info, err)
		}
		l, err := list(t, stream)
		if err != nil || !l.Sealed || !slices.Equal(l.Levels, []int64{1, fast, 1, 1, 1, 1}) || l.Elided != 1 || l.Fast != fast || l.Zstd != 4 {
			t.Errorf("%v: %+v, %v", wire, l, err)
		}
		elided := split(t, stream)[1+fast]
		if got := blockTypes(t, elided); !slices.Equal(got, []byte{0, 1, 0}) {
			t.Errorf("%v: blocks of types %v in the elided frame", wire, got)
		}
	}
}

// levelOptions gives for each level the options that allow it.
func levelOptions() map[Level][]Option {
	m := map[Level][]Option{}
	for l := LevelElide; l <= LevelAuto; l++ {
		m[l] = []Option{WithLevel(l)}
	}
	m[LevelFast] = append(m[LevelFast], WithWire(zst.WireCtxpipe))
	return m
}

// Whatever the level: the payload comes back, here and, on the wire zstd, in
// decoders that know nothing of ctxpipe; and the statistics, the seal and a
// listing count the same.
//
// Proves: TR-2, TR-35
func TestEveryLevel(t *testing.T) {
	plain, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	const n = 3*testChunk + 5000
	for name, payload := range payloads(n) {
		for l, opts := range levelOptions() {
			name := fmt.Sprintf("%s, %v", name, l)
			var b bytes.Buffer
			c := newTestCompressor(t, &b, opts...)
			writeSteps(t, c, payload, 10_000)
			if err := c.Close(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, info, err := restore(t, b.Bytes())
			if err != nil || !bytes.Equal(got, payload) || info.Kind != Sealed {
				t.Errorf("%s: %d bytes, %+v, %v", name, len(got), info, err)
			}
			alien, err := plain.DecodeAll(b.Bytes(), nil)
			if info.Wire == zst.WireZstd && (err != nil || !bytes.Equal(alien, payload)) || info.Wire != zst.WireZstd && err == nil {
				t.Errorf("%s: a plain decoder gives %d bytes, %v", name, len(alien), err)
			}
			if info.Wire == zst.WireZstd {
				zstdCommand(t, name, b.Bytes(), payload)
			}
			listed, err := list(t, b.Bytes())
			s := c.Stats()
			if err != nil || !listed.Sealed || !slices.Equal(listed.Levels, s.Levels[:]) || listed.Frames != s.Frames || s.Frames != 4 {
				t.Errorf("%s: listed %+v, %v; made %+v", name, listed, err, s)
			}
			// What does not shrink is elided, whatever was asked for.
			want := l
			switch {
			case bytes.HasPrefix([]byte(name), []byte("random")):
				want = LevelElide
			case l == LevelAuto:
				continue
			}
			if s.Levels[want] != s.Frames {
				t.Errorf("%s: %v instead of %d of level %v", name, s.Levels, s.Frames, want)
			}
			// All but the three bytes that stand in front of every elided frame.
			zero := int64(0)
			if want == LevelElide && bytes.Equal(payload, make([]byte, n)) {
				zero = n - 3*s.Frames
			}
			if s.ZeroBytes != zero {
				t.Errorf("%s: %d zero bytes, want %d", name, s.ZeroBytes, zero)
			}
		}
	}
}

// zstdCommand demands that the zstd command, where there is one, reads a stream,
// tests and lists it.
func zstdCommand(t *testing.T, name string, stream, payload []byte) {
	t.Helper()
	tool, err := exec.LookPath("zstd")
	if err != nil {
		return
	}
	file := filepath.Join(t.TempDir(), "stream.zst")
	if err := os.WriteFile(file, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"-qdc", "-qt", "-l"} {
		out, err := exec.Command(tool, flag, file).Output()
		if err != nil || flag == "-qdc" && !bytes.Equal(out, payload) || flag == "-l" && !bytes.Contains(out, []byte("XXH64")) {
			t.Errorf("%s: zstd %s: %d bytes, %v", name, flag, len(out), err)
		}
	}
}

// Only where no plain zstd is to read it may a frame be fast.
//
// Proves: TR-26
func TestFastNeedsItsWire(t *testing.T) {
	for name, opts := range map[string][]Option{
		"no wire":    {WithLevel(LevelFast)},
		"wire zstd":  {WithWire(zst.WireZstd), WithLevel(LevelFast)},
		"wire last":  {WithWire(zst.WireCtxpipe), WithLevel(LevelFast), WithWire(zst.WireZstd)},
		"wire 2":     {WithWire(zst.WireCtxpipe + 1)},
		"wire -1":    {WithWire(-1)},
		"level -1":   {WithLevel(-1)},
		"level auto": {WithLevel(LevelAuto + 1)},
	} {
		if c, err := NewCompressor(io.Discard, opts...); !errors.Is(err, frame.ErrMisuse) || c != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewCompressor(io.Discard, WithLevel(LevelFast), WithWire(zst.WireCtxpipe)); err != nil {
		t.Errorf("with its wire: %v", err)
	}
}

func TestLevelNames(t *testing.T) {
	for l := LevelElide; l <= LevelAuto; l++ {
		if got, err := ParseLevel(l.String()); got != l || err != nil {
			t.Errorf("%v: %v, %v", l, got, err)
		}
	}
	for _, name := range []string{"", "Fast", "level-9", "elide "} {
		if _, err := ParseLevel(name); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if got := Level(9).String(); got != "level-9" {
		t.Errorf("a level without a name: %s", got)
	}
}
