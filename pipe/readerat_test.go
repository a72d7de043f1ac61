package pipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

func openAt(stream []byte, opts ...RestoreOption) (*ReaderAt, error) {
	return NewReaderAt(bytes.NewReader(stream), int64(len(stream)), opts...)
}

func mustOpenAt(t testing.TB, stream []byte, opts ...RestoreOption) *ReaderAt {
	t.Helper()
	r, err := openAt(stream, opts...)
	if err != nil {
		t.Fatal(err)
	}
	balances(t, func() int64 { return r.pools.in.Loans() + r.pools.out.Loans() })
	return r
}

// closeAt closes r and demands that all buffers came back.
func closeAt(t testing.TB, r *ReaderAt) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if n := r.pools.in.Loans() + r.pools.out.Loans(); n != 0 {
		t.Errorf("%d buffers out after Close", n)
	}
}

// compressWith gives the sealed stream of a payload, with a flush now and then.
func compressWith(t testing.TB, payload []byte, opts ...Option) []byte {
	t.Helper()
	var b bytes.Buffer
	c := newTestCompressor(t, &b, opts...)
	for len(payload) > 0 {
		n := min(len(payload), 3*testChunk+1000)
		if _, err := c.Write(payload[:n]); err != nil {
			t.Fatal(err)
		}
		payload = payload[n:]
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Any range of any stream is that of the payload.
func TestReaderAtRanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for name, payload := range payloads(10*testChunk + 77) {
		for wire, opts := range map[string][]Option{
			"zstd": nil, "elide": {WithLevel(LevelElide)}, "fast": {WithWire(zst.WireCtxpipe), WithLevel(LevelFast)},
		} {
			r := mustOpenAt(t, compressWith(t, payload, opts...))
			if r.Size() != int64(len(payload)) || r.Info().Kind != Sealed || r.Info().Chunk != testChunk {
				t.Fatalf("%s, %s: size %d, %+v", name, wire, r.Size(), r.Info())
			}
			for range 200 {
				off := rng.IntN(len(payload) + 1)
				p := make([]byte, rng.IntN(3*testChunk)>>rng.IntN(16))
				want := payload[off:min(len(payload), off+len(p))]
				n, err := r.ReadAt(p, int64(off))
				if n != len(want) || !bytes.Equal(p[:n], want) || (err == io.EOF) != (n < len(p)) || err != nil && err != io.EOF {
					t.Fatalf("%s, %s: %d bytes at %d: %d, %v", name, wire, len(p), off, n, err)
				}
			}
			closeAt(t, r)
		}
	}
}

func TestReaderAtIsAReaderAt(t *testing.T) {
	for name, s := range small(t) {
		r := mustOpenAt(t, s[0])
		if err := iotest.TestReader(io.NewSectionReader(r, 0, r.Size()), s[1]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		size := int64(len(s[1]))
		for _, c := range []struct {
			off  int64
			len  int
			want int
			err  error
		}{
			{0, 0, 0, nil}, {size, 0, 0, nil}, {size, 1, 0, io.EOF}, {size + 1, 1, 0, io.EOF}, {1<<63 - 1, 9, 0, io.EOF},
			{size - 3, 3, 3, nil}, {size - 3, 4, 3, io.EOF}, {-1, 1, 0, frame.ErrMisuse},
		} {
			if n, err := r.ReadAt(make([]byte, c.len), c.off); n != c.want || !errors.Is(err, c.err) {
				t.Errorf("%s: %d bytes at %d: %d, %v", name, c.len, c.off, n, err)
			}
		}
		closeAt(t, r)
	}
	empty := mustOpenAt(t, compress(t, nil))
	if n, err := empty.ReadAt(make([]byte, 1), 0); n != 0 || err != io.EOF || empty.Size() != 0 {
		t.Errorf("nothing: %d, %v", n, err)
	}
	closeAt(t, empty)
}

// One frame after the other is decoded, each once, though the reads are small.
func TestReaderAtKeepsTheLastFrame(t *testing.T) {
	payload := payloads(5*testChunk + 9)["words"]
	r := mustOpenAt(t, compress(t, payload))
	var got bytes.Buffer
	if _, err := io.CopyBuffer(&got, struct{ io.Reader }{io.NewSectionReader(r, 0, r.Size())}, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), payload) || r.Info().Frames != 6 || r.Stats().BytesOut != int64(len(payload)) {
		t.Errorf("%d bytes, %d frames decoded, %+v", got.Len(), r.Info().Frames, r.Stats())
	}
	closeAt(t, r)
}

func TestReaderAtConcurrently(t *testing.T) {
	payload := payloads(20*testChunk + 5)["words"]
	for _, workers := range []int{1, 3} {
		r := mustOpenAt(t, compress(t, payload), WithWorkers(workers))
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), 1))
				for range 50 {
					off := rng.IntN(len(payload))
					p := make([]byte, min(len(payload)-off, rng.IntN(2*testChunk)))
					if n, err := r.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, payload[off:off+n]) {
						t.Errorf("%d bytes at %d: %d, %v", len(p), off, n, err)
					}
				}
			})
		}
		wg.Wait()
		closeAt(t, r)
	}
}

// Close waits for what is under way, and what comes later is refused.
func TestReaderAtClose(t *testing.T) {
	payload := payloads(20 * testChunk)["words"]
	r := mustOpenAt(t, compress(t, payload))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				p := make([]byte, len(payload))
				if n, err := r.ReadAt(p, 0); err != nil {
					if !errors.Is(err, frame.ErrMisuse) || !bytes.Equal(p[:n], payload[:n]) {
						t.Errorf("%d bytes, %v", n, err)
					}
					return
				}
			}
		})
	}
	for r.Info().Frames < 30 {
		if _, err := r.ReadAt(make([]byte, 1), 0); err != nil {
			t.Fatal(err)
		}
	}
	r.Close()
	wg.Wait()
	closeAt(t, r)
}

func TestReaderAtContext(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	stream := compress(t, []byte("payload"))
	r := mustOpenAt(t, stream, WithContext(ctx))
	cancel(cause)
	if n, err := r.ReadAt(make([]byte, 1), 0); n != 0 || !errors.Is(err, cause) {
		t.Errorf("%d, %v", n, err)
	}
	closeAt(t, r)
	if _, err := openAt(stream, WithContext(ctx)); !errors.Is(err, cause) {
		t.Errorf("open: %v", err)
	}
}

// What a stream of any other sort is refused with.
//
// Proves: TR-98
func TestReaderAtRefusesOtherInput(t *testing.T) {
	for name, stream := range map[string][]byte{
		"foreign":       whole(t, []byte("foreign")),
		"skippable":     skippable(0x184D2A50, "x"),
		"seekable":      append(whole(t, []byte("foreign")), table([][]byte{whole(t, []byte("foreign"))})...),
		"known payload": []byte("LibxlFmt and more"),
		"anything else": []byte("what is this"),
	} {
		_, err := openAt(stream)
		wantRule(t, name, err, "TR-98", frame.ErrUnsupported)
	}
	h, a := header(), data(t, one)
	for name, stream := range map[string][]byte{
		"nothing": nil, "only a header": h, "unsealed": slices.Concat(h, a), "no table": slices.Concat(h, a, seal(true, one)),
	} {
		_, err := openAt(stream)
		wantRule(t, name, err, "TR-62", io.ErrUnexpectedEOF)
	}
}

// Proves: TR-80
func TestReaderAtLimits(t *testing.T) {
	payload := payloads(3 * testChunk)["words"]
	stream := compress(t, payload)
	frames := int64(5) // header, three, seal
	need := func(parts int) int64 {
		cfg := defaultRestore()
		cfg.workers = 1
		return max(cfg.need(testChunk, testChunk, parts)+frames*bytesPerEntry, cfg.least())
	}
	for _, c := range []struct {
		name string
		opts []RestoreOption
		ok   bool
	}{
		{"frames", []RestoreOption{WithMaxFrames(frames - 1)}, false},
		{"frames, just enough", []RestoreOption{WithMaxFrames(frames)}, true},
		{"output", []RestoreOption{WithMaxOutput(3*testChunk - 1)}, false},
		{"output, just enough", []RestoreOption{WithMaxOutput(3 * testChunk)}, true},
		{"memory, just enough", []RestoreOption{WithMemory(need(1)), WithWorkers(1)}, true},
	} {
		r, err := openAt(stream, c.opts...)
		if c.ok {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if n, err := r.ReadAt(make([]byte, len(payload)), 0); n != len(payload) || err != nil {
				t.Errorf("%s: %d, %v", c.name, n, err)
			}
			closeAt(t, r)
			continue
		}
		wantRule(t, c.name, err, "TR-80", frame.ErrTooLarge)
	}
	large := join(zst.AppendHeader(nil, zst.Header{Chunk: MaxChunk}), seal(true))
	for name, opt := range map[string]RestoreOption{"chunk": WithMaxChunk(MaxChunk - 1), "memory": WithMemory(MaxChunk)} {
		_, err := openAt(large, opt)
		wantRule(t, name, err, "TR-80", frame.ErrTooLarge)
	}
	for name, f := range map[string]func() (*ReaderAt, error){
		"option": func() (*ReaderAt, error) { return openAt(large, WithMaxFrames(0)) },
		"memory": func() (*ReaderAt, error) { return openAt(large, WithMemory(1000)) },
		"size":   func() (*ReaderAt, error) { return NewReaderAt(bytes.NewReader(large), -1) },
	} {
		if _, err := f(); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// failingAt fails to read what begins at or behind a place.
type failingAt struct {
	r     io.ReaderAt
	at    int64
	short bool
}

func (f failingAt) ReadAt(p []byte, off int64) (int, error) {
	if off >= f.at && !f.short {
		return 0, errSource
	}
	if off >= f.at {
		return len(p) - 1, nil
	}
	return f.r.ReadAt(p, off)
}

// Proves: TR-63
func TestReaderAtSourceErrors(t *testing.T) {
	stream := compress(t, payloads(2 * testChunk)["words"])
	source := bytes.NewReader(stream)
	for at := range int64(len(stream)) {
		if _, err := NewReaderAt(failingAt{source, at, false}, int64(len(stream))); !errors.Is(err, errSource) && at <= int64(len(stream)-zst.FooterSize) {
			t.Fatalf("from %d on: %v", at, err)
		}
	}
	r := mustOpenAt(t, stream)
	for _, short := range []bool{false, true} {
		r.src.r = failingAt{source, 100, short}
		if n, err := r.ReadAt(make([]byte, 10), testChunk); n != 0 || err == nil || errors.Is(err, errSource) == short {
			t.Errorf("short %v: %d, %v", short, n, err)
		}
	}
	r.src.r = source // it was nothing lasting
	if n, err := r.ReadAt(make([]byte, 10), testChunk); n != 10 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	closeAt(t, r)
}

func TestReaderAtSteadyState(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	payload := payloads(20 * testChunk)["words"]
	for wire, opts := range map[string][]Option{"zstd": nil, "fast": {WithWire(zst.WireCtxpipe), WithLevel(LevelFast)}} {
		r := mustOpenAt(t, compressWith(t, payload, opts...))
		p := make([]byte, 1000)
		off := int64(0)
		read := func() {
			if _, err := r.ReadAt(p, off); err != nil {
				t.Fatal(err)
			}
			off = (off + testChunk/3) % (r.Size() - 1000)
		}
		for range 200 {
			read()
		}
		if n := testing.AllocsPerRun(500, read); n >= 1 {
			t.Errorf("%s: %v allocations per read, want 0", wire, n)
		}
		closeAt(t, r)
	}
}

// find agrees with a walk over all entries, whatever their sizes.
func TestIndexFind(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		var x index
		var want []string
		for i := range rng.IntN(5 * markEvery) {
			e := zst.Entry{Compressed: uint32(1 + rng.IntN(9)), Content: uint32(max(0, rng.IntN(8)-4))}
			if i%70 < 66 && i > 66 {
				e.Content = 0 // more than a mark's worth without content
			}
			for range e.Content {
				want = append(want, fmt.Sprint(i, x.wire, x.content))
			}
			x.room(i + 1)
			x.add(e)
		}
		for off := range x.content {
			if got := fmt.Sprint(x.find(off)); got != want[off] {
				t.Fatalf("byte %d of %d: %s, want %s", off, x.content, got, want[off])
			}
		}
	}
}

// What opens and reads to its end gives what a Restorer gives, if that accepts
// the stream; and what a Restorer accepts, opens.
func FuzzReaderAt(f *testing.F) {
	f.Add(compress(f, nil))
	f.Add(compress(f, []byte("payload")))
	f.Add(join(header(), data(f, one), seal(false, one), data(f, two), seal(true, one, two)))
	fast, _ := mixed(f)
	f.Add(fast)
	f.Add(forge([][]byte{header(), data(f, one), seal(true, one)}, func(e []zst.Entry) []zst.Entry { e[1].Content++; return e }))
	f.Fuzz(func(t *testing.T, stream []byte) {
		want, info, wantErr := restore(t, stream)
		sealed := wantErr == nil && info.Kind == Sealed
		r, err := openAt(stream)
		if err != nil {
			if sealed || !ofAKind(err) {
				t.Fatalf("open: %v; restoring: %v", err, wantErr)
			}
			return
		}
		defer closeAt(t, r)
		var got bytes.Buffer
		_, err = io.CopyN(&got, io.NewSectionReader(r, 0, r.Size()), min(r.Size(), 16<<20))
		if err != nil && (sealed || !ofAKind(err)) {
			t.Fatalf("read: %v; restoring: %v", err, wantErr)
		}
		if sealed && !bytes.HasPrefix(want, got.Bytes()) {
			t.Fatalf("%d bytes that differ from the %d restored", got.Len(), len(want))
		}
	})
}

// ofAKind says whether an error is one of those that are promised for bad
// streams.
func ofAKind(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, frame.ErrCorrupt) ||
		errors.Is(err, frame.ErrTooLarge) || errors.Is(err, frame.ErrUnsupported)
}
