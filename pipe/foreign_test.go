package pipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

// foreignStreams gives streams of other writers, and what is in them.
func foreignStreams(t testing.TB) map[string][2][]byte {
	long := payloads(3*DefaultChunk + 77)["words"]
	random := payloads(2*DefaultChunk + 1)["random"]
	short := []byte("short and sweet")
	skip := skippable(0x184D2A53, "skipped")
	return map[string][2][]byte{
		"streamed":       {streamed(t, long), long},
		"streamed plain": {streamed(t, random, zstd.WithEncoderCRC(false)), random},
		"known, long":    {whole(t, long), long},
		"known, short":   {whole(t, short, zstd.WithEncoderCRC(false)), short},
		"empty frame":    {whole(t, nil), nil},
		"many":           {slices.Concat(whole(t, short), streamed(t, long), whole(t, nil), whole(t, random), streamed(t, short)), slices.Concat(short, long, random, short)},
		"skippables":     {slices.Concat(skip, skip, whole(t, short), skip, streamed(t, short), skip), slices.Concat(short, short)},
		"all magics":     {slices.Concat(skippable(0x184D2A50, ""), skippable(0x184D2A5E, "x"), skippable(0x184D2A5F, "y"), whole(t, short)), short},
	}
}

// Proves: TR-90
func TestForeign(t *testing.T) {
	for name, s := range foreignStreams(t) {
		got, info, err := restore(t, s[0])
		if err != nil || !bytes.Equal(got, s[1]) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(s[1]), err)
		}
		if info.Kind != Foreign || info.Chunk != DefaultChunk || info.Frames == 0 {
			t.Errorf("%s: info %+v", name, info)
		}
	}
}

// A cut inside a frame is seen. One between two frames cannot be: what is left
// is a stream of its own, which is why sealed streams exist.
//
// Proves: TR-90, TR-92, TR-93
func TestForeignCut(t *testing.T) {
	parts := [][]byte{
		skippable(0x184D2A53, "skipped"), whole(t, []byte("first")), streamed(t, []byte("second, second, second")),
		skippable(0x184D2A50, "also skipped"), whole(t, []byte("third, with no checksum"), zstd.WithEncoderCRC(false)),
	}
	stream := slices.Concat(parts...)
	boundaries := map[int]bool{}
	end := 0
	for i, p := range parts {
		end += len(p)
		boundaries[end] = i > 0 // the first is skippable
	}
	for n := range len(stream) {
		got, _, err := restore(t, stream[:n])
		if boundaries[n] {
			if err != nil {
				t.Errorf("cut between frames at %d: %v", n, err)
			}
		} else if !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != 0 {
			t.Errorf("cut at %d: %d bytes, %v", n, len(got), err)
		}
	}
	_, _, err := restore(t, parts[0])
	wantRule(t, "only skippable", err, "TR-92", io.ErrUnexpectedEOF)
}

// A long frame is streamed, and still its last part never leaves if it is cut
// or damaged.
//
// Proves: TR-70, TR-72, TR-93
func TestForeignLongCut(t *testing.T) {
	payload := payloads(4 * DefaultChunk)["words"]
	stream := streamed(t, payload)
	for n := 1; n < len(stream); n += len(stream) / 50 {
		got, _, err := restore(t, stream[:n])
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(got) > len(payload)-DefaultChunk || !bytes.HasPrefix(payload, got) {
			t.Errorf("cut at %d of %d: %d bytes, %v", n, len(stream), len(got), err)
		}
	}
	stream[len(stream)-1] ^= 1
	got, _, err := restore(t, stream)
	wantRule(t, "checksum", err, "TR-24", frame.ErrCorrupt)
	if len(got) > len(payload)-DefaultChunk {
		t.Errorf("%d of %d bytes came out", len(got), len(payload))
	}
}

// A long frame that has more or less content than it says is refused, and its last
// part never leaves.
//
// Proves: TR-24, TR-72
func TestForeignLongFrameOfAnotherSize(t *testing.T) {
	for _, blocks := range []int{65, 66, 67} { // of 128 KiB; it says 66 of them
		f := slices.Concat([]byte(zstdMagic+"\xc0\x38\x00\x00\x84\x00\x00\x00\x00\x00"), zeroFrame(blocks, false)[6:])
		got, _, err := restore(t, f)
		if blocks == 66 {
			if err != nil || len(got) != 66*zst.MaxBlock {
				t.Errorf("as it says: %d bytes, %v", len(got), err)
			}
			continue
		}
		wantRule(t, fmt.Sprint(blocks, " blocks"), err, "TR-24", frame.ErrCorrupt)
		if most := min(blocks, 66)*zst.MaxBlock - DefaultChunk; len(got) > most {
			t.Errorf("%d blocks: %d bytes came out, at most %d are wanted", blocks, len(got), most)
		}
	}
}

// Proves: TR-60, TR-91, TR-94
func TestForeignRefused(t *testing.T) {
	short := whole(t, []byte("short"))
	for _, c := range []struct {
		name   string
		stream []byte
		rule   frame.Rule
		is     error
	}{
		{"sealed behind foreign", append(bytes.Clone(short), wellFormed(t)...), "TR-91", frame.ErrCorrupt},
		{"our magic behind foreign", append(bytes.Clone(short), skippable(zst.MagicOwn, "?")...), "TR-91", frame.ErrCorrupt},
		{"junk behind", append(bytes.Clone(short), "junk"...), "TR-60", frame.ErrCorrupt},
		{"dictionary", []byte("\x28\xb5\x2f\xfd\x21\x07\x01\x09\x00\x00x"), "TR-94", frame.ErrUnsupported},
		{"huge skippable", zst.AppendSkippableHeader(nil, 0x184D2A50, 1<<31), "TR-80", frame.ErrTooLarge},
	} {
		_, _, err := restore(t, c.stream)
		wantRule(t, c.name, err, c.rule, c.is)
	}
}

// Streams of the reference implementation, with the longest window by default,
// in one frame and in several: pzstd's have no content size, and its own
// skippable frames between them.
func TestReferenceEncoders(t *testing.T) {
	payload := slices.Concat(payloads(5*DefaultChunk + 3)["words"], make([]byte, wholeForeign), payloads(wholeForeign + 1)["random"])
	for _, args := range [][]string{
		{"zstd", "-1"}, {"zstd", "-3", "--no-check"}, {"zstd", "-3", "--long=27"}, {"zstd", "--fast=3", "-B1M", "-T2"},
		{"pzstd", "-1"}, {"pzstd", "-3", "-p2"}, {"pzstd", "-9", "-p2"},
	} {
		tool, err := exec.LookPath(args[0])
		if err != nil {
			t.Logf("no %s command", args[0])
			continue
		}
		cmd := exec.Command(tool, append(args[1:], "-c")...)
		cmd.Stdin = bytes.NewReader(payload)
		stream, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		repeats := []int{1, 3}
		if raceEnabled {
			repeats = []int{2} // decoding takes ten times as long
		}
		for _, times := range repeats {
			got, info, err := restore(t, bytes.Repeat(stream, times))
			if err != nil || !bytes.Equal(got, bytes.Repeat(payload, times)) || info.Kind != Foreign {
				t.Errorf("%v, %d times: %d bytes, %+v, %v", args, times, len(got), info, err)
			}
		}
	}
}

// Frames of little content are decoded by the workers even if their size is not
// known, and long ones are streamed: both give the same, cut or whole, and no
// part is larger than it may be.
func TestForeignAroundTheLimit(t *testing.T) {
	for _, n := range []int{wholeForeign - 1, wholeForeign, wholeForeign + 1} {
		for name, payload := range payloads(n) {
			for i, stream := range [][]byte{streamed(t, payload), whole(t, payload)} {
				got, _, err := restore(t, append(bytes.Clone(stream), stream...))
				if err != nil || len(got) != 2*n || !bytes.Equal(got[n:], payload) {
					t.Errorf("%s %d, stream %d: %d bytes, %v", name, n, i, len(got), err)
				}
				got, _, err = restore(t, stream[:len(stream)-1])
				if !errors.Is(err, io.ErrUnexpectedEOF) || len(got) > n-DefaultChunk {
					t.Errorf("%s %d, stream %d cut: %d bytes, %v", name, n, i, len(got), err)
				}
			}
		}
	}
}

// scanning gives a scanner of a stream whose parts go nowhere.
func scanning(t *testing.T, stream []byte) *scanner {
	cfg := defaultRestore()
	s := &scanner{cfg: &cfg, meter: &meter{}, intake: &intake{
		ctx: t.Context(), pools: &pools{bufpool.New(inputSize, inputSize), bufpool.New(piece, piece)},
		home: make(chan *part, 1), order: make(chan *part, 1),
	}}
	s.in = newInput(&source{r: bytes.NewReader(stream)}, s.meter, s.intake.pools.in)
	s.intake.home <- newPart()
	t.Cleanup(s.close)
	t.Cleanup(s.intake.drain)
	return s
}

// The reader of a frame gives exactly that frame, and goes on to say what it said, since the
// codec asks again.
func TestFrameReader(t *testing.T) {
	const behind = "behind it"
	f := whole(t, payloads(1000)["words"])
	good := frameReader{s: scanning(t, append(slices.Clone(f), behind...))}
	if n, err := good.Read(nil); n != 0 || err != nil {
		t.Errorf("nothing wanted: %d bytes, %v", n, err)
	}
	got, err := io.ReadAll(iotest.OneByteReader(&good))
	if err != nil || !bytes.Equal(got, f) {
		t.Errorf("%d bytes of %d, %v", len(got), len(f), err)
	}
	for range 2 {
		if n, err := good.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Errorf("behind the end: %d bytes, %v", n, err)
		}
	}
	if b, err := good.s.in.peek(len(behind)); string(b) != behind {
		t.Errorf("left for others: %q, %v", b, err)
	}
	for name, stream := range map[string][]byte{"cut": f[:len(f)-1], "no frame": []byte("no frame at all")} {
		bad := frameReader{s: scanning(t, stream)}
		_, err := io.ReadAll(&bad)
		var e *frame.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
		if n, again := bad.Read(make([]byte, 10)); n != 0 || again != err {
			t.Errorf("%s: then %d bytes, %v", name, n, again)
		}
	}
}

// A codec that ends before the frame does has not decoded it.
//
// Proves: TR-24
func TestCodecThatStopsEarly(t *testing.T) {
	s := scanning(t, whole(t, []byte("what the frame has")))
	f := foreign{}
	if err := f.begin(s, zst.Walker{}); err != nil {
		t.Fatal(err)
	}
	if err := s.codec.Reset(bytes.NewReader(whole(t, nil))); err != nil { // it reads another one
		t.Fatal(err)
	}
	wantRule(t, "streamed", f.stream(s), "TR-24", frame.ErrCorrupt)
}

// Nor has one that makes more or less of a frame than that says.
//
// Proves: TR-24
func TestCodecThatGivesAnotherSize(t *testing.T) {
	for _, content := range [][]byte{[]byte("stored as it is"), bytes.Repeat([]byte("compressed, "), 20)} {
		for by := -1; by <= 1; by++ {
			out := bufpool.New(piece, piece)
			d := decoder{workers: 1, limit: 1 << 20}
			part := &part{kind: partZstd, frame: whole(t, content), size: len(content) + by, exact: true}
			d.decode(part, out)
			d.close()
			out.Put(part.out)
			if by != 0 {
				wantRule(t, fmt.Sprintf("%d bytes that should be %d", len(content), part.size), part.err, "TR-24", frame.ErrCorrupt)
			} else if part.err != nil {
				t.Error(part.err)
			}
		}
	}
}
