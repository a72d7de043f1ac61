package pipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ctxpipe/ctxpipe/frame"
)

// noGoroutinesLeft demands that as many goroutines are there as before.
func noGoroutinesLeft(t *testing.T, before int) {
	t.Helper()
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond) // one that is ending needs a moment to be gone
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// However many workers there are, the stream is the same.
func TestWorkersMakeNoDifference(t *testing.T) {
	before := runtime.NumGoroutine()
	payload := bytes.Join([][]byte{payloads(5 * testChunk)["words"], payloads(5 * testChunk)["random"], payloads(7*testChunk + 3)["zero"]}, nil)
	var want []byte
	for _, n := range []int{1, 2, 3, 8, 64} {
		var b bytes.Buffer
		c := newTestCompressor(t, &b, WithWorkers(n))
		if _, err := c.ReadFrom(iotest.HalfReader(bytes.NewReader(payload))); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = b.Bytes()
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%d workers give other bytes", n)
		}
		if loans := c.line.pool.Loans(); loans != 0 {
			t.Errorf("%d workers: %d buffers out", n, loans)
		}
	}
	noGoroutinesLeft(t, before)
	if got, _, err := restore(t, want); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("restored %d bytes, %v", len(got), err)
	}
}

// What was flushed can be read, before anything else is written.
func TestFlushedIsReadable(t *testing.T) {
	r, w := io.Pipe()
	c := newTestCompressor(t, w)
	rs := newTestRestorer(t, r)
	defer rs.Close()
	// A Restorer holds the last chunk back, so what is behind it can be read.
	first := payloads(testChunk)["words"]
	second := payloads(testChunk)["random"]
	got := make([]byte, len(first)+100)
	done := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(rs, got)
		done <- err
	}()
	c.Write(first)
	c.Write(second[:100])
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	c.Write(second)
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil || !bytes.Equal(got, append(bytes.Clone(first), second[:100]...)) {
			t.Errorf("%v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("flushed bytes do not arrive")
	}
	go func() {
		_, err := io.Copy(io.Discard, rs)
		done <- err
	}()
	if err := errors.Join(c.Flush(), c.Flush(), c.Close(), w.Close(), <-done); err != nil {
		t.Error(err)
	}
	if err := c.Flush(); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("Flush after Close: %v", err)
	}
}

// A chunk that was begun and got nothing does not keep Flush waiting.
func TestFlushAfterWholeChunks(t *testing.T) {
	payload := payloads(2 * testChunk)["words"]
	var b bytes.Buffer
	c := newTestCompressor(t, &b)
	done := make(chan error, 1)
	go func() {
		_, err := c.ReadFrom(bytes.NewReader(payload))
		done <- errors.Join(err, c.Flush(), c.Flush(), c.Close())
	}()
	select {
	case err := <-done:
		if err != nil || !bytes.Equal(b.Bytes(), compress(t, payload)) {
			t.Errorf("other bytes, %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Flush does not return")
	}
}

func TestFlushOfNothingWritesNothing(t *testing.T) {
	var b bytes.Buffer
	c := newTestCompressor(t, &b)
	if err := c.Flush(); err != nil || b.Len() != 0 {
		t.Errorf("%d bytes, %v", b.Len(), err)
	}
	c.Abort()
	if err := c.Flush(); !errors.Is(err, ErrAborted) {
		t.Errorf("after Abort: %v", err)
	}
}

// Reset makes a new stream of every old state, with the same buffers.
func TestReset(t *testing.T) {
	before := runtime.NumGoroutine()
	payload := payloads(3*testChunk + 17)["words"]
	want := compress(t, payload)
	c := newTestCompressor(t, io.Discard)
	for name, spoil := range map[string]func(){
		"fresh":     func() {},
		"unsealed":  func() { c.Write(payload) },
		"sealed":    func() { c.Write(payload); c.Close() },
		"given up":  func() { c.Write(payload); c.Abort() },
		"bad input": func() { c.ReadFrom(iotest.ErrReader(errSource)) },
		"bad output": func() {
			c.Reset(&limited{10, errors.New("full")})
			c.Write(payload)
			c.Flush()
		},
	} {
		spoil()
		var b bytes.Buffer
		c.Reset(&b)
		if _, err := c.Write(payload); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := c.Close(); err != nil || !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s: other bytes, %v", name, err)
		}
		if s := c.Stats(); s.BytesIn != int64(len(payload)) || s.BytesOut != int64(len(want)) {
			t.Errorf("%s: stats %+v", name, s)
		}
		if n := c.line.pool.Loans(); n != 0 {
			t.Errorf("%s: %d buffers out", name, n)
		}
	}
	noGoroutinesLeft(t, before)
}

// blocked takes writes only when it is let.
type blocked struct {
	let    chan struct{}
	writes atomic.Int32
}

func (b *blocked) Write(p []byte) (int, error) {
	b.writes.Add(1)
	<-b.let
	return len(p), nil
}

// Of what waits for a writer that stands still only frames are kept, or contents, where frames are
// made of them: not both.
func TestWaitingTakesOneBufferEach(t *testing.T) {
	for _, level := range []Level{LevelElide, LevelFastest} {
		dest := &blocked{let: make(chan struct{})}
		c := newTestCompressor(t, dest, WithLevel(level), WithWorkers(2))
		const jobs = 2 + spareJobs
		c.Write(payloads(jobs * testChunk)["words"])
		for deadline := time.Now().Add(10 * time.Second); c.line.pool.Loans() > jobs; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%v: %d buffers for %d frames that wait", level, c.line.pool.Loans(), jobs)
				break
			}
		}
		close(dest.let)
		if err := c.Close(); err != nil {
			t.Errorf("%v: %v", level, err)
		}
	}
}

// A writer that stands still makes the caller wait, with a bounded number of
// chunks in between, and a context ends the waiting.
//
// Proves: TR-50
func TestContextEndsTheWaiting(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancelCause(t.Context())
	dest := &blocked{let: make(chan struct{})}
	c := newTestCompressor(t, dest, WithContext(ctx), WithWorkers(2))
	chunk := payloads(testChunk)["words"]
	var taken atomic.Int32
	done := make(chan error, 1)
	go func() {
		for {
			if _, err := c.Write(chunk); err != nil {
				done <- err
				return
			}
			taken.Add(1)
		}
	}()
	for dest.writes.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // let it take what it can
	if n := taken.Load(); n > 2+spareJobs {
		t.Errorf("%d chunks were taken while nothing left", n)
	}
	why := errors.New("the other side gave up")
	cancel(why)
	close(dest.let) // a write that is under way is not interrupted
	if err := <-done; !errors.Is(err, why) {
		t.Errorf("Write: %v", err)
	}
	if err := c.Close(); !errors.Is(err, why) {
		t.Errorf("Close: %v", err)
	}
	if n := c.line.pool.Loans(); n != 0 {
		t.Errorf("%d buffers out", n)
	}
	noGoroutinesLeft(t, before)
}

func TestContextThatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var b bytes.Buffer
	c := newTestCompressor(t, &b, WithContext(ctx))
	for name, call := range map[string]func() error{
		"Write":    func() error { _, err := c.Write([]byte{1}); return err },
		"ReadFrom": func() error { _, err := c.ReadFrom(bytes.NewReader([]byte{1})); return err },
		"Flush":    c.Flush,
		"Close":    c.Close,
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b.Len() > 0 {
		t.Errorf("%d bytes were written", b.Len())
	}
}

func TestWorkerOptionsRefused(t *testing.T) {
	var none context.Context
	for name, o := range map[string]Option{"none": WithWorkers(0), "too many": WithWorkers(MaxWorkers + 1), "no context": WithContext(none)} {
		if _, err := NewCompressor(io.Discard, o); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
