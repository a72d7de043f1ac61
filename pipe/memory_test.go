package pipe

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// heap watches the live heap, counted from when it was made.
type heap struct {
	base int64
	most atomic.Int64
}

func newHeap() *heap {
	h := &heap{}
	h.base = liveHeap()
	return h
}

// liveHeap gives what is in use. Buffers that are idle in a pool are not: the
// second collection takes them.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// look looks while everything waits for the caller. What somebody was just about
// to give back does not count, so the least of a few looks does.
func (h *heap) look() {
	n := int64(math.MaxInt64)
	for range 3 {
		time.Sleep(5 * time.Millisecond)
		n = min(n, liveHeap()-h.base)
	}
	for most := h.most.Load(); n > most && !h.most.CompareAndSwap(most, n); most = h.most.Load() {
	}
}

// slow is a destination that gives everything before it the time to fill up, now
// and then, and looks at the heap then.
type slow struct {
	h *heap
	n int
}

func (s *slow) Write(p []byte) (int, error) {
	if s.n += len(p); s.n > 2<<20 {
		s.n = 0
		s.h.look()
	}
	return len(p), nil
}

// A Compressor keeps to the memory that it may use, whatever the level.
func TestCompressorKeepsToItsMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	payload := benchPayload()[:16<<20]
	for l, opts := range levelOptions() {
		for _, verify := range []bool{false, true} {
			for _, memory := range []int64{8 << 20, 24 << 20} {
				opts := append(slices.Clone(opts), WithMemory(memory), WithWorkers(4))
				if verify {
					opts = append(opts, WithVerifyEncode())
				}
				h := newHeap()
				c, err := NewCompressor(&slow{h: h}, opts...)
				if errors.Is(err, frame.ErrMisuse) && l >= LevelBetter && memory == 8<<20 {
					continue
				}
				if err != nil {
					t.Errorf("%v, %d: %v", l, memory, err)
					continue
				}
				if _, err := c.ReadFrom(bytes.NewReader(payload)); err != nil {
					t.Fatal(err)
				}
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
				if most := h.most.Load(); most > memory || most == 0 {
					t.Errorf("%v, verify %v: %.1f MiB live, at most %d MiB are allowed: chunk %d, %d workers", l, verify, float64(most)/(1<<20), memory>>20, c.cfg.chunk, c.cfg.workers)
				} else {
					t.Logf("%v, verify %v: %.1f MiB of %d MiB: chunk %d, %d workers", l, verify, float64(most)/(1<<20), memory>>20, c.cfg.chunk, c.cfg.workers)
				}
			}
		}
	}
}

// So does a Restorer, whatever the input.
func TestRestorerKeepsToItsMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	payload := benchPayload()[:20<<20]
	random := payloads(20 << 20)["random"]
	pieces := func(p []byte, size int, make func([]byte) []byte) (stream []byte) {
		for part := range slices.Chunk(p, size) {
			stream = append(stream, make(part)...)
		}
		return stream
	}
	packed := func(p []byte, opts ...Option) []byte {
		var b bytes.Buffer
		c := newTestCompressor(t, &b, append([]Option{WithChunk(DefaultChunk)}, opts...)...)
		c.Write(p)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	known := func(p []byte) []byte { return whole(t, p) }
	unknown := func(p []byte) []byte { return streamed(t, p, zstd.WithWindowSize(1<<20)) }
	windowed := func(n int) func([]byte) []byte {
		return func(p []byte) []byte { return streamed(t, p, zstd.WithWindowSize(n)) }
	}
	for _, c := range []struct {
		name    string
		stream  []byte
		content int
		memory  int64 // the least that it is tested with
	}{
		{"sealed", packed(payload), len(payload), 16 << 20},
		{"sealed, stored", packed(random, WithLevel(LevelElide)), len(random), 16 << 20},
		{"sealed, fast", packed(payload, WithWire(zst.WireCtxpipe), WithLevel(LevelFast)), len(payload), 16 << 20},
		{"sealed, short frames", packed(random, WithChunk(testChunk)), len(random), 16 << 20},
		{"sealed, chunk of 8 MiB", packed(random, WithChunk(8<<20)), len(random), 52 << 20},
		{"foreign, frames of 1 MiB", pieces(payload, 1<<20, known), len(payload), 16 << 20},
		{"foreign, frames of 4 MiB", pieces(random, 4<<20, known), len(random), 16 << 20},
		{"foreign, frames of 8 MiB", pieces(random, 8<<20, known), len(random), 25 << 20},
		{"foreign, frames of unknown size", pieces(random, 8<<20-1, unknown), len(random), 16 << 20},
		{"foreign, one frame", windowed(8 << 20)(random), len(random), 32 << 20},
		{"foreign, one frame, large window", windowed(16 << 20)(payload), len(payload), 52 << 20},
		{"foreign, short frames before a large window", slices.Concat(pieces(random[:12<<20], 3<<20, known), windowed(16<<20)(random[12<<20:])), len(random), 48 << 20},
		{"foreign, short and long frames", slices.Concat(pieces(random[:8<<20], 1<<20, known), windowed(8<<20)(random[8<<20:])), len(random), 32 << 20},
		{"raw", append([]byte("LibxlFmt"), random...), len(random) + 8, 16 << 20},
	} {
		for _, memory := range []int64{c.memory, 2 * c.memory} {
			h := newHeap()
			rs, err := NewRestorer(bytes.NewReader(c.stream), WithMemory(memory), WithWorkers(4), WithCheck(CheckOff))
			if err != nil {
				t.Errorf("%s, %d: %v", c.name, memory, err)
				continue
			}
			n, err := rs.WriteTo(&slow{h: h})
			rs.Close()
			if err != nil || n != int64(c.content) {
				t.Errorf("%s, %d: %d bytes, %v", c.name, memory, n, err)
			}
			if most := h.most.Load(); most > memory || most == 0 {
				t.Errorf("%s: %.1f MiB live, at most %d MiB are allowed", c.name, float64(most)/(1<<20), memory>>20)
			} else {
				t.Logf("%s: %.1f MiB of %d MiB", c.name, float64(most)/(1<<20), memory>>20)
			}
		}
	}
}

// With less memory a Compressor first makes its chunk smaller, then takes fewer
// workers, then makes the chunk smaller still; and never more than it was told.
func TestWithMemoryOfACompressor(t *testing.T) {
	for l := range levelOptions() {
		for _, verify := range []bool{false, true} {
			last := compressConfig{chunk: 1 << 30, commonConfig: commonConfig{workers: 1 << 30}}
			for memory := int64(1 << 30); memory > 1<<10; memory -= memory / 64 {
				cfg := compressConfig{commonConfig: commonConfig{workers: 8, memory: memory}, level: l, wire: zst.WireCtxpipe, verify: verify}
				err := cfg.settle()
				if err != nil {
					least := compressConfig{commonConfig: commonConfig{workers: 1}, level: l, verify: verify}
					if !errors.Is(err, frame.ErrMisuse) || least.need(MinChunk) <= memory {
						t.Errorf("%v, %d: %v", l, memory, err)
					}
					break
				}
				if need := cfg.need(cfg.chunk); need > memory {
					t.Errorf("%v, %d: needs %d", l, memory, need)
				}
				if cfg.chunk > last.chunk || cfg.workers > last.workers || cfg.chunk > chunkFor(l) || cfg.workers > 8 {
					t.Errorf("%v, %d: chunk %d, %d workers; with more memory %d, %d", l, memory, cfg.chunk, cfg.workers, last.chunk, last.workers)
				}
				if cfg.workers < 8 && cfg.chunk > preferredChunk || cfg.chunk < preferredChunk && cfg.workers > 1 {
					t.Errorf("%v, %d: chunk %d with %d workers", l, memory, cfg.chunk, cfg.workers)
				}
				last = cfg
			}
			if last.workers != 1 || last.chunk != MinChunk {
				t.Errorf("%v: the least is chunk %d, %d workers", l, last.chunk, last.workers)
			}
		}
	}
	// A chunk that was asked for stays.
	cfg := compressConfig{commonConfig: commonConfig{workers: 8}, chunk: 1 << 20, level: LevelFastest}
	cfg.memory = cfg.need(cfg.chunk) - 1
	if err := cfg.settle(); err != nil || cfg.chunk != 1<<20 || cfg.workers != 7 {
		t.Errorf("chunk %d, %d workers, %v", cfg.chunk, cfg.workers, err)
	}
	if _, err := NewCompressor(io.Discard, WithChunk(MaxChunk), WithMemory(MaxChunk)); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("too little for the chunk: %v", err)
	}
}

func TestWithMemoryRefused(t *testing.T) {
	for _, n := range []int64{math.MinInt64, -1, 0, 1, 100 << 10, 1<<62 + 1} {
		if _, err := NewCompressor(io.Discard, WithMemory(n)); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("Compressor, %d: %v", n, err)
		}
		if _, err := NewRestorer(nil, WithMemory(n)); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("Restorer, %d: %v", n, err)
		}
	}
}

// What a window may take is not there for frames that are decoded whole.
func TestWindowHasItsShare(t *testing.T) {
	cfg := defaultRestore()
	cfg.workers = 8
	cfg.memory = cfg.need(DefaultChunk, 1<<20, 5)
	for beside, want := range map[int64]int{0: 5, 1: 4, cfg.memory - cfg.need(DefaultChunk, 1<<20, 2): 2} {
		if n, err := cfg.parts(DefaultChunk, 1<<20, beside); n != want || err != nil {
			t.Errorf("beside %d: %d parts, want %d, %v", beside, n, want, err)
		}
	}
	_, err := cfg.parts(DefaultChunk, 1<<20, cfg.memory)
	wantRule(t, "no room", err, "TR-80", frame.ErrTooLarge)
}

// What does not fit into a Restorer's memory is refused, and what just does is not.
//
// Proves: TR-80
func TestWithMemoryOfARestorer(t *testing.T) {
	cfg := defaultRestore()
	cfg.workers = 1
	sealed := compressWith(t, nil, WithChunk(8<<20))
	least := cfg.need(8<<20, 8<<20, 1)
	if _, _, err := restore(t, sealed, WithWorkers(1), WithMemory(least)); err != nil {
		t.Errorf("just enough: %v", err)
	}
	_, _, err := restore(t, sealed, WithWorkers(1), WithMemory(least-1))
	wantRule(t, "too little", err, "TR-80", frame.ErrTooLarge)

	window := streamed(t, []byte("short"), zstd.WithWindowSize(16<<20))
	if _, _, err := restore(t, window, WithMemory(48<<20)); err != nil {
		t.Errorf("window, just enough: %v", err)
	}
	_, _, err = restore(t, window, WithMemory(48<<20-3))
	wantRule(t, "window, too little", err, "TR-80", frame.ErrTooLarge)
}
