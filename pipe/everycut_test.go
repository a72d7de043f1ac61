package pipe

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/vectest"
)

// With CTXPIPE_EXHAUSTIVE=1, a real stream is cut at every byte: as it is, for a
// Compressor and for a Restorer, and sealed, for a Restorer. It takes minutes.
// [TestCutStreamsAreNotSealed] and [TestNothingComesOutFromEndOn] sample.
func TestEveryCutOfARealStream(t *testing.T) {
	if os.Getenv("CTXPIPE_EXHAUSTIVE") == "" {
		t.Skip("CTXPIPE_EXHAUSTIVE is not set")
	}
	stream := vectest.RealStream(t)
	end, _ := pointsOf(t, stream)
	sealed := compress(t, stream)
	everyCut(t, "raw, compressed", stream, func(cut []byte) bool {
		c, err := NewCompressor(io.Discard, WithLevel(LevelElide), WithWorkers(1), WithChunk(testChunk))
		if err != nil {
			return false
		}
		_, err = c.Write(cut)
		return errors.Is(errors.Join(err, c.Close()), io.ErrUnexpectedEOF) || len(cut) == 0
	})
	restored := func(cut []byte) bool {
		rs, err := NewRestorer(bytes.NewReader(cut), WithWorkers(1))
		if err != nil {
			return false
		}
		defer rs.Close()
		n, err := rs.WriteTo(io.Discard)
		return err != nil && n <= int64(end)
	}
	everyCut(t, "sealed, restored", sealed, restored)
	everyCut(t, "raw, restored", stream, restored)
}

// everyCut demands that good says so of every cut, on all processors.
func everyCut(t *testing.T, name string, b []byte, good func(cut []byte) bool) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for at := next.Add(1) - 1; at < int64(len(b)); at = next.Add(1) - 1 {
				if !good(b[:at]) {
					t.Errorf("%s: cut at %d of %d", name, at, len(b))
				}
			}
		})
	}
	all.Wait()
	t.Logf("%s: %d cuts", name, len(b))
}
