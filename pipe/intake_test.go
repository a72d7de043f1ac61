package pipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ctxpipe/ctxpipe/frame"
)

// within demands that f returns soon, even if something else never does.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s does not return", what)
	}
}

// allBack demands that all buffers come back, once the last goroutine has ended.
func allBack(t *testing.T, rs *Restorer) {
	t.Helper()
	for range 1000 {
		if rs.loans() == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d buffers out", rs.loans())
}

// However many workers decode, the payload is the same, and damage is found at
// the same place.
func TestDecodersMakeNoDifference(t *testing.T) {
	before := runtime.NumGoroutine()
	payload := bytes.Join([][]byte{payloads(9 * testChunk)["words"], payloads(5 * testChunk)["random"], payloads(7*testChunk + 3)["zero"]}, nil)
	stream := compress(t, payload)
	bad := bytes.Clone(stream)
	bad[len(bad)/2] ^= 4
	var want error
	for _, n := range []int{1, 2, 3, 8, 64} {
		got, _, err := restoreFrom(t, iotest.HalfReader(bytes.NewReader(stream)), WithWorkers(n))
		if err != nil || !bytes.Equal(got, payload) {
			t.Errorf("%d workers: %d bytes of %d, %v", n, len(got), len(payload), err)
		}
		_, _, err = restore(t, bad, WithWorkers(n))
		if want == nil {
			want = err
		}
		if err == nil || err.Error() != want.Error() {
			t.Errorf("%d workers: %v, and %v with another number", n, err, want)
		}
	}
	noGoroutinesLeft(t, before)
}

// A scanner whose context is done sends no end of its own: the Restorer hears of the context itself, and tells
// its cause.
//
// Proves: TR-64
func TestScannerLeavesTheContextToOthers(t *testing.T) {
	stream := compress(t, payloads(5 * testChunk)["words"])
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 64 { // it takes a part or sees the context, as it happens
		s := scanning(t, stream)
		s.cfg.workers = 1
		const room = 16
		s.intake.ctx, s.intake.dec = ctx, &decoder{}
		s.intake.home, s.intake.work, s.intake.order = make(chan *part, room), make(chan *part, room), make(chan *part, room)
		for range room / 2 {
			s.intake.home <- newPart()
		}
		s.run()
		for len(s.intake.order) > 0 {
			p := <-s.intake.order
			if errors.Is(p.err, errStopped) {
				t.Fatal(p.err)
			}
			s.intake.empty(p)
		}
	}
}

// What is ready can be read while the source gives nothing.
func TestReadyIsGivenWhileTheSourceWaits(t *testing.T) {
	payload := payloads(4 * testChunk)["words"]
	stream := compress(t, payload)
	frames := split(t, stream)
	r, w := io.Pipe()
	go w.Write(slices.Concat(frames[:4]...)) // the header and three data frames
	rs := newTestRestorer(t, r)
	got := make([]byte, 2*testChunk) // the third is held back
	within(t, "Read", func() {
		if _, err := io.ReadFull(rs, got); err != nil || !bytes.Equal(got, payload[:2*testChunk]) {
			t.Error("other bytes", err)
		}
	})
	within(t, "Close", func() { rs.Close() })
	w.Close()
}

// Close does not wait for a source that is stuck; the goroutine that is stuck in
// it ends with it, and all buffers come back. Where there are deadlines, nothing
// is left behind, and the source can still be used.
func TestCloseWhileTheSourceWaits(t *testing.T) {
	begun := compress(t, payloads(3 * testChunk)["words"])[:testChunk/2]
	t.Run("without deadlines", func(t *testing.T) {
		before := runtime.NumGoroutine()
		r, w := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		rs := newTestRestorer(t, r, WithContext(ctx))
		go func() {
			w.Write(begun)
			cancel()
		}()
		within(t, "Read", func() {
			if _, err := rs.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
				t.Errorf("Read: %v", err)
			}
		})
		within(t, "Close", func() { rs.Close() })
		w.Close()
		noGoroutinesLeft(t, before)
		allBack(t, rs)
	})
	t.Run("with deadlines", func(t *testing.T) {
		before := runtime.NumGoroutine()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		ctx, cancel := context.WithCancel(t.Context())
		rs := newTestRestorer(t, r, WithContext(ctx))
		if _, err := w.Write(begun); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(20*time.Millisecond, cancel)
		within(t, "Read", func() {
			if _, err := rs.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
				t.Errorf("Read: %v", err)
			}
		})
		within(t, "Close", func() { rs.Close() })
		noGoroutinesLeft(t, before)
		allBack(t, rs)
		w.Write([]byte("after"))
		got := make([]byte, 5)
		if _, err := io.ReadFull(r, got); err != nil || string(got) != "after" {
			t.Errorf("the source gives %q, %v", got, err)
		}
	})
}

// A destination that fails is known at once, even if the source is stuck.
func TestDestinationErrorWhileTheSourceWaits(t *testing.T) {
	payload := payloads(4 * testChunk)["words"]
	frames := split(t, compress(t, payload))
	r, w := io.Pipe()
	defer w.Close()
	go w.Write(slices.Concat(frames[:4]...))
	rs := newTestRestorer(t, r)
	errDest := errors.New("destination failed")
	within(t, "WriteTo", func() {
		if _, err := rs.WriteTo(&limited{0, errDest}); !errors.Is(err, errDest) {
			t.Errorf("WriteTo: %v", err)
		}
	})
}

// A cause that looks like success is none.
func TestContextThatEndsWithEOF(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.EOF)
	rs := newTestRestorer(t, bytes.NewReader(compress(t, []byte("payload"))), WithContext(ctx))
	defer rs.Close()
	if n, err := rs.WriteTo(io.Discard); n != 0 || err == nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// Reset makes a new input of every old state.
func TestRestorerReset(t *testing.T) {
	before := runtime.NumGoroutine()
	payload := payloads(3*testChunk + 17)["words"]
	stream := compress(t, payload)
	rs := newTestRestorer(t, bytes.NewReader(stream))
	for name, spoil := range map[string]func(){
		"fresh":      func() {},
		"half read":  func() { io.CopyN(io.Discard, rs, testChunk) },
		"whole":      func() { io.Copy(io.Discard, rs) },
		"closed":     func() { rs.Close() },
		"bad input":  func() { rs.Reset(iotest.ErrReader(errSource)); rs.Read(make([]byte, 1)) },
		"foreign":    func() { rs.Reset(bytes.NewReader(whole(t, payload))); io.Copy(io.Discard, rs) },
		"bad output": func() { rs.WriteTo(&limited{10, errors.New("full")}) },
	} {
		spoil()
		rs.Reset(bytes.NewReader(stream))
		var got bytes.Buffer
		if _, err := rs.WriteTo(&got); err != nil || !bytes.Equal(got.Bytes(), payload) {
			t.Errorf("%s: other bytes, %v", name, err)
		}
		if s := rs.Stats(); s.BytesOut != int64(len(payload)) || s.BytesIn != int64(len(stream)) || s.Frames != 4 {
			t.Errorf("%s: stats %+v", name, s)
		}
		rs.Reset(bytes.NewReader(stream))
	}
	rs.Close()
	if _, err := rs.Read(make([]byte, 1)); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("Read after Close: %v", err)
	}
	allBack(t, rs)
	noGoroutinesLeft(t, before)
}

// A caller that does not read makes the source wait, with a bounded number of
// chunks in between.
func TestSourceWaitsForTheCaller(t *testing.T) {
	payload := payloads(100 * testChunk)["random"]
	stream := compress(t, payload)
	src := &counted{r: bytes.NewReader(stream)}
	rs := newTestRestorer(t, src, WithWorkers(2))
	defer rs.Close()
	if _, err := rs.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond) // let it take what it can
	if most := int64((2+2+spareParts)*testChunk + 2*inputSize); src.n.Load() > most {
		t.Errorf("%d bytes were taken, at most %d are wanted", src.n.Load(), most)
	}
}

// Nor are there more contents at once than one for each worker, what is held back and what is being written.
func TestContentsWaitForTheCaller(t *testing.T) {
	stream := compress(t, payloads(20 * testChunk)["random"])
	for _, workers := range []int{1, 2, 4} {
		rs := newTestRestorer(t, bytes.NewReader(stream), WithWorkers(workers))
		most := int64(0)
		_, err := rs.WriteTo(watching(func() {
			time.Sleep(5 * time.Millisecond) // let it take what it can
			most = max(most, rs.pools.out.Loans())
		}))
		rs.Close()
		if want := int64(workers + 2); err != nil || most > want || most == 0 {
			t.Errorf("%d workers: %d contents at once, at most %d are wanted, %v", workers, most, want, err)
		}
	}
}

// watching is a destination that does something at each write.
type watching func()

func (do watching) Write(p []byte) (int, error) {
	do()
	return len(p), nil
}

// counted counts what was read.
type counted struct {
	r io.Reader
	n atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func TestWithMemoryBoundsTheParts(t *testing.T) {
	cfg := defaultRestore()
	cfg.workers = 8
	for _, c := range []struct {
		memory int64
		parts  int
	}{{0, 8 + spareParts}, {1 << 30, 8 + spareParts}, {cfg.need(DefaultChunk, DefaultChunk, 3), 3}, {cfg.need(DefaultChunk, DefaultChunk, 1), 1}} {
		cfg.memory = c.memory
		if n, err := cfg.parts(DefaultChunk, DefaultChunk, 0); n != c.parts || err != nil {
			t.Errorf("%d bytes: %d parts, %v", c.memory, n, err)
		}
	}
	cfg.memory = cfg.need(DefaultChunk, DefaultChunk, 1) - 1
	_, err := cfg.parts(DefaultChunk, DefaultChunk, 0)
	wantRule(t, "too little", err, "TR-80", frame.ErrTooLarge)
}
