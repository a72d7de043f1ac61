package pipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// list lists a stream from a source that can seek and from one that cannot, and
// demands the same of both.
func list(t testing.TB, stream []byte, opts ...RestoreOption) (Listing, error) {
	t.Helper()
	got, err := List(bytes.NewReader(stream), opts...)
	read, readErr := List(struct{ io.Reader }{bytes.NewReader(stream)}, opts...)
	if diff := cmp.Diff(read, got); diff != "" {
		t.Errorf("seeking differs from reading: %s", diff)
	}
	if (err == nil) != (readErr == nil) || err != nil && err.Error() != readErr.Error() {
		t.Errorf("seeking: %v, reading: %v", err, readErr)
	}
	return got, err
}

func TestList(t *testing.T) {
	short, long := []byte("short and sweet"), payloads(3 * DefaultChunk)["words"]
	single := zstd.WithSingleSegment(true)
	random := payloads(4*testChunk + 1)["random"]
	short2 := slices.Concat(whole(t, short, single), skippable(0x184D2A53, "skipped"), whole(t, short, single))
	mixedStream, mixedPayload := mixed(t)
	for _, c := range []struct {
		name   string
		stream []byte
		want   Listing
	}{
		{"made", compress(t, long), Listing{
			Kind: Sealed, Payload: "opaque", Chunk: testChunk, Content: int64(len(long)), ContentKnown: true,
			Frames: 96, Skippable: 3, Zstd: 96, Levels: []int64{0, 0, 96, 0, 0, 0}, Window: testChunk, Sealed: true,
		}},
		{"elided", compressWith(t, random, WithLevel(LevelElide)), Listing{
			Kind: Sealed, Payload: "opaque", Chunk: testChunk, Content: int64(len(random)), ContentKnown: true,
			Frames: 5, Skippable: 3, Elided: 5, Levels: []int64{5, 0, 0, 0, 0, 0}, Window: testChunk, Sealed: true,
		}},
		{"nothing", compress(t, nil), Listing{
			Kind: Sealed, Payload: "opaque", Chunk: testChunk, ContentKnown: true, Skippable: 3, Levels: []int64{0, 0, 0, 0, 0, 0}, Sealed: true,
		}},
		{"wire ctxpipe", mixedStream, Listing{
			Kind: Sealed, Wire: zst.WireCtxpipe, Chunk: testChunk, Content: int64(len(mixedPayload)), ContentKnown: true,
			Frames: 3, Skippable: 4, Fast: 2, Elided: 1, Window: int64(len(two)), Sealed: true,
		}},
		{"foreign", short2, Listing{
			Kind: Foreign, Content: 2 * int64(len(short)), ContentKnown: true, Frames: 2, Skippable: 1, Elided: 2, Window: int64(len(short)),
		}},
		{"foreign, size unknown", append(whole(t, short, single), streamed(t, long, zstd.WithWindowSize(1<<20))...), Listing{
			Kind: Foreign, Content: int64(len(short)), Frames: 2, Elided: 1, Zstd: 1, Window: 1 << 20,
		}},
		{"foreign, no checksum", whole(t, random, single, zstd.WithEncoderCRC(false)), Listing{
			Kind: Foreign, Content: int64(len(random)), ContentKnown: true, Frames: 1, Elided: 1, Window: int64(len(random)),
		}},
		{"raw", append([]byte("LibxlFmt"), random...), Listing{
			Kind: Raw, Payload: "libxl", Content: int64(len(random)) + 8, ContentKnown: true,
		}},
	} {
		got, err := list(t, c.stream)
		c.want.Compressed = int64(len(c.stream))
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.name, err, diff)
		}
		want := 0.0
		if got.ContentKnown {
			want = float64(got.Content) / float64(len(c.stream))
		}
		if got.Ratio() != want {
			t.Errorf("%s: ratio %v, want %v", c.name, got.Ratio(), want)
		}
	}
}

// A listing agrees with what the whole stream restores to.
func TestListAgreesWithRestoring(t *testing.T) {
	for name, payload := range payloads(9*testChunk + 5) {
		for wire, opts := range map[string][]Option{
			"zstd": nil, "auto": {WithLevel(LevelAuto)}, "elide": {WithLevel(LevelElide)}, "fast": {WithWire(zst.WireCtxpipe), WithLevel(LevelFast)},
		} {
			stream := compressWith(t, payload, opts...)
			got, err := list(t, stream)
			if err != nil || !got.Sealed || got.Content != int64(len(payload)) || got.Compressed != int64(len(stream)) ||
				got.Frames != got.Elided+got.Fast+got.Zstd {
				t.Errorf("%s, %s: %+v, %v", name, wire, got, err)
			}
			sum := int64(0)
			for _, n := range got.Levels {
				sum += n
			}
			if sum != got.Frames {
				t.Errorf("%s, %s: levels %v for %d frames", name, wire, got.Levels, got.Frames)
			}
		}
	}
}

// Wherever a stream is cut, the listing says so, and where.
//
// Proves: TR-62, TR-93, TR-101
func TestListEveryCut(t *testing.T) {
	streams := small(t)
	streams["foreign"] = [2][]byte{streamed(t, []byte("one frame, one frame, one frame"))}
	streams["long"] = [2][]byte{compress(t, payloads(3 * testChunk)["random"])} // long enough to jump
	for name, s := range streams {
		step := 1 + len(s[0])/2000
		for n := 0; n < len(s[0]); n += step {
			got, err := list(t, s[0][:n])
			var e *frame.Error
			if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &e) || e.Offset != int64(n) {
				t.Errorf("%s cut at %d: %v", name, n, err)
			}
			if got.Sealed || got.Compressed > int64(n) {
				t.Errorf("%s cut at %d: %+v", name, n, got)
			}
		}
	}
}

// Whichever bit is flipped, a listing does not fail in any other way than it
// may; and what is flipped outside of what only decoding can verify is seen.
//
// Proves: TR-4, TR-42, TR-101
func TestListEveryBitFlip(t *testing.T) {
	for name, s := range small(t) {
		stream := s[0]
		inside := make([]bool, len(stream)) // of frames with content
		at := 0
		for _, f := range split(t, stream) {
			for j := range f {
				inside[at+j] = isData(f) && zst.CheckLock(f) != nil || zst.MarkOf(f[zst.SkippableHeaderSize:]) == zst.MarkFast
			}
			at += len(f)
		}
		seen := 0
		for bit := range 8 * len(stream) {
			b := bytes.Clone(stream)
			b[bit/8] ^= 1 << (bit % 8)
			got, err := list(t, b)
			switch {
			case err == nil && !inside[bit/8]:
				t.Errorf("%s, bit %d: not seen, %+v", name, bit, got)
			case err != nil && (!ofAKind(err) || got.Sealed):
				t.Errorf("%s, bit %d: %+v, %v", name, bit, got, err)
			case err != nil:
				seen++
			}
		}
		t.Logf("%s: %d of %d flipped bits seen", name, seen, 8*len(stream))
	}
}

// What only decoding finds, a listing does not: it says that a stream is sealed,
// which is less than verified.
//
// Proves: TR-101
func TestListDoesNotVerify(t *testing.T) {
	stream := compress(t, payloads(2 * testChunk)["words"])
	stream[len(stream)/2] ^= 1
	if got, err := list(t, stream); err != nil || !got.Sealed {
		t.Errorf("%+v, %v", got, err)
	}
	if _, _, err := restore(t, stream); !errors.Is(err, frame.ErrCorrupt) {
		t.Errorf("restoring: %v", err)
	}
}

// What is wrong is said in a Restorer's words, with what was listed before it.
//
// Proves: TR-23, TR-24, TR-32, TR-33, TR-40, TR-60, TR-61, TR-91, TR-92, TR-96, TR-101
func TestListRefused(t *testing.T) {
	h, a, b, end := header(), data(t, one), data(t, two), seal(true, one, two)
	good := join(h, a, b, end)
	short := whole(t, []byte("short"))
	magic := "\x28\xb5\x2f\xfd"
	padded := append([]byte(magic+"\x24\x20"), bytes.Repeat([]byte{0, 0, 0}, 60)...)
	ch, lock := ctxpipeHeader()
	for _, c := range []struct {
		name   string
		stream []byte
		rule   frame.Rule
		frames int64
	}{
		{"frame removed", join(h, a, end), "TR-32", 1},
		{"frame doubled", join(h, a, b, b, end), "TR-32", 3},
		{"middle seal", join(h, a, b, seal(false, one), end), "TR-32", 2},
		{"data behind the seal", join(h, a, b, end, a), "TR-33", 2},
		{"table differs", slices.Concat(h, a, b, end, table([][]byte{h, b, a, end})), "TR-42", 2},
		{"table before the seal", join(h, a), "TR-60", 1},
		{"second header", join(h, a, h, end), "TR-60", 1},
		{"other skippable", join(h, skippable(0x184D2A50, "x"), end), "TR-60", 0},
		{"no frame", slices.Concat(h, a, []byte("junk")), "TR-60", 1},
		{"byte behind", append(bytes.Clone(good), 0), "TR-61", 2},
		{"fast frame on the wire zstd", join(h, fastFrameFor(one), end), "TR-26", 0},
		{"no lock", join(ch, fastFrameFor(one), end), "TR-29", 0},
		{"fast frame over the chunk", join(ch, lock, fastFrameFor(string(make([]byte, testChunk+1))), end), "TR-27", 0},
		{"padded", slices.Concat(h, padded), "TR-23", 0},
		{"too few blocks", slices.Concat(h, []byte(magic+"\x24\x20\x01\x00\x00abcd")), "TR-24", 0},
		{"window", join(h, streamed(t, []byte(one)), end), "TR-22", 0},
		{"sealed behind foreign", append(bytes.Clone(short), good...), "TR-91", 1},
		{"junk behind foreign", append(bytes.Clone(short), "junk"...), "TR-60", 1},
		{"foreign, too few blocks", append(bytes.Clone(short), magic+"\x24\x20\x01\x00\x00abcd"...), "TR-24", 1},
		{"only skippable", skippable(0x184D2A50, "x"), "TR-92", 0},
		{"anything else", []byte("what is this"), "TR-96", 0},
	} {
		got, err := list(t, c.stream)
		is := frame.ErrCorrupt
		if c.rule == "TR-92" {
			is = io.ErrUnexpectedEOF
		}
		wantRule(t, c.name, err, c.rule, is)
		_, _, restoreErr := restore(t, c.stream)
		if got.Sealed || got.Frames != c.frames || restoreErr == nil || err != nil && err.Error() != restoreErr.Error() {
			t.Errorf("%s: %+v\n%v\nrestoring: %v", c.name, got, err, restoreErr)
		}
	}
	if got, err := list(t, []byte("what is this"), WithForce()); err != nil || got.Kind != Raw || got.Content != 12 {
		t.Errorf("forced: %+v, %v", got, err)
	}
}

// Proves: TR-80
func TestListLimits(t *testing.T) {
	stream := compress(t, payloads(2 * testChunk)["words"])
	for name, c := range map[string]struct {
		stream []byte
		opt    RestoreOption
	}{
		"frames":    {stream, WithMaxFrames(3)},
		"output":    {stream, WithMaxOutput(2*testChunk - 1)},
		"chunk":     {zst.AppendHeader(nil, zst.Header{Chunk: 2 * testChunk}), WithMaxChunk(testChunk)},
		"skippable": {skippable(0x184D2A50, "1234"), WithMaxSkippable(3)},
	} {
		_, err := list(t, c.stream, c.opt)
		wantRule(t, name, err, "TR-80", frame.ErrTooLarge)
	}
	if _, err := List(bytes.NewReader(stream), WithMaxFrames(0)); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("misuse: %v", err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := list(t, stream, WithContext(ctx)); !errors.Is(err, cause) {
		t.Errorf("context: %v", err)
	}
	// What it does not need: a window, a dictionary.
	large := []byte("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00")
	if got, err := list(t, large); err != nil || got.Window != 2<<30 || got.Frames != 1 {
		t.Errorf("window: %+v, %v", got, err)
	}
	if got, err := list(t, []byte("\x28\xb5\x2f\xfd\x21\x07\x01\x09\x00\x00x")); err != nil || got.Frames != 1 {
		t.Errorf("dictionary: %+v, %v", got, err)
	}
}

// watchedFile counts what is read of a file.
type watchedFile struct {
	*os.File
	read int
}

func (w *watchedFile) Read(p []byte) (int, error) {
	n, err := w.File.Read(p)
	w.read += n
	return n, err
}

// Of a regular file little is read, from where it stands; a pipe is read.
func TestListJumps(t *testing.T) {
	payload := payloads(8 * DefaultChunk)["random"]
	stream := compressWith(t, payload, WithChunk(DefaultChunk))
	name := filepath.Join(t.TempDir(), "stream")
	if err := os.WriteFile(name, append([]byte("before"), stream...), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(6, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	w := &watchedFile{File: f}
	got, err := List(w)
	if err != nil || !got.Sealed || got.Compressed != int64(len(stream)) || got.Content != int64(len(payload)) {
		t.Errorf("%+v, %v", got, err)
	}
	if w.read > len(stream)/10 {
		t.Errorf("%d of %d bytes were read", w.read, len(stream))
	}
	r, p, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		p.Write(stream)
		p.Close()
	}()
	if piped, err := List(r); err != nil || !cmp.Equal(piped, got) {
		t.Errorf("from a pipe: %+v, %v", piped, err)
	}
}

// Proves: TR-63
func TestListSourceErrors(t *testing.T) {
	stream := compress(t, payloads(2 * testChunk)["words"])
	for _, n := range []int{0, 3, 30, 5000, len(stream)} {
		got, err := List(io.MultiReader(bytes.NewReader(stream[:n]), iotest.ErrReader(errSource)))
		if !errors.Is(err, errSource) || got.Sealed {
			t.Errorf("after %d: %+v, %v", n, got, err)
		}
	}
	if got, err := List(iotest.OneByteReader(bytes.NewReader(stream))); err != nil || !got.Sealed {
		t.Errorf("in steps: %+v, %v", got, err)
	}
	if _, err := List(&badSeeker{Reader: bytes.NewReader(stream), good: 2}); !errors.Is(err, errSource) {
		t.Errorf("lost its place: %v", err)
	}
	if _, err := List(&badSeeker{Reader: bytes.NewReader(stream), good: 3}); !errors.Is(err, errSource) {
		t.Errorf("no more jumps: %v", err)
	}
	for good := range 2 {
		if got, err := List(&badSeeker{Reader: bytes.NewReader(stream), good: good}); err != nil || !got.Sealed {
			t.Errorf("cannot seek: %+v, %v", got, err)
		}
	}
}

// badSeeker seeks so many times.
type badSeeker struct {
	*bytes.Reader
	good int
}

func (b *badSeeker) Seek(off int64, whence int) (int64, error) {
	if b.good == 0 {
		return 0, errSource
	}
	b.good--
	return b.Reader.Seek(off, whence)
}

// A listing accepts what a Restorer accepts, and says the same about it.
func FuzzList(f *testing.F) {
	f.Add(compress(f, nil))
	f.Add(compress(f, []byte("payload")))
	f.Add(join(header(), data(f, one), seal(false, one), data(f, two), seal(true, one, two)))
	fast, _ := mixed(f)
	f.Add(fast)
	f.Add(whole(f, []byte("foreign")))
	f.Add(append(skippable(0x184D2A50, "x"), streamed(f, []byte("foreign, foreign"))...))
	f.Add([]byte("LibxlFmt and more"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		got, err := list(t, stream)
		payload, info, restoreErr := restore(t, stream, WithMaxOutput(64<<20))
		switch {
		case err != nil && !ofAKind(err):
			t.Fatalf("error of no kind: %v", err)
		case restoreErr != nil:
			if got.Sealed != (err == nil && got.Kind == Sealed) {
				t.Fatalf("%+v, %v", got, err)
			}
		case err != nil:
			t.Fatalf("restores, but: %v", err)
		case got.Kind != info.Kind || got.Sealed != (info.Kind == Sealed) || got.Compressed != int64(len(stream)) || got.Frames != info.Frames ||
			got.ContentKnown && got.Content != int64(len(payload)):
			t.Fatalf("%+v, restored %d bytes, %+v", got, len(payload), info)
		}
	})
}
