package pipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

// testInput gives an input of a stream. It demands in the end that its buffers come back.
func testInput(t *testing.T, r io.Reader, size, full int) *input {
	pool := bufpool.New(size, full)
	in := newInput(&source{r: r}, new(meter), pool)
	in.full = full
	t.Cleanup(func() {
		if in.release(); pool.Loans() != 0 {
			t.Errorf("%d buffers out", pool.Loans())
		}
	})
	return &in
}

// borrowed is a frame that somebody has at work.
type borrowed struct {
	loan  loan
	bytes []byte
	want  []byte
}

// giveBack gives back what it is given, in any order, and as late as it can. It counts what has changed meanwhile.
func giveBack(work <-chan borrowed, rnd *rand.Rand) (changed int) {
	const most, patience = 4, 50 * time.Microsecond
	var out []borrowed
	for open := true; open || len(out) > 0; {
		if open && len(out) < most {
			var b borrowed
			select {
			case b, open = <-work:
				if open {
					out = append(out, b)
				}
				continue
			case <-time.After(patience): // it has to have something back
			}
		}
		if len(out) == 0 {
			continue
		}
		i := rnd.IntN(len(out))
		if !bytes.Equal(out[i].bytes, out[i].want) {
			changed++
		}
		out[i].loan.back()
		out = slices.Delete(out, i, i+1)
	}
	return changed
}

// Whatever is lent stays as it was until it is back, in whatever order frames of any length come and go, and all
// that is read is the stream. The ring grows to what it may have, and no further.
func TestInputLendsWhatItReads(t *testing.T) {
	const size, full = 1 << 10, 5000
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		stream := make([]byte, 200_000)
		for i := range stream {
			stream[i] = byte(rnd.Uint32())
		}
		var src io.Reader = bytes.NewReader(stream)
		if seed%2 == 0 {
			src = iotest.HalfReader(src)
		}
		in := testInput(t, src, size, full)
		work, changed := make(chan borrowed), make(chan int)
		go func() { changed <- giveBack(work, rand.New(rand.NewPCG(seed, 2))) }()
		rest := stream
		for len(rest) > 0 {
			n := min(1+rnd.IntN(full/3), len(rest))
			if rnd.IntN(8) == 0 {
				n = min(full, len(rest))
			}
			b, err := in.peek(n)
			if err != nil || !bytes.HasPrefix(rest, b) || in.off != int64(len(stream)-len(rest)) {
				t.Fatalf("seed %d: other bytes at %d, %v", seed, in.off, err)
			}
			if rnd.IntN(4) == 0 {
				in.discard(n)
			} else {
				l, f := in.take(n)
				if cap(f) != n {
					t.Fatalf("seed %d: what is behind %d bytes that are lent can be reached", seed, n)
				}
				work <- borrowed{l, f, rest[:n]}
			}
			rest = rest[n:]
		}
		if b, err := in.peek(1); len(b) != 0 || err != io.EOF {
			t.Fatalf("seed %d: %d bytes behind the end, %v", seed, len(b), err)
		}
		if got := cap(in.ring.buf.B); got != full {
			t.Fatalf("seed %d: the ring has %d bytes, want %d", seed, got, full)
		}
		last := in.ring.lend(0)
		in.release()
		close(work)
		if n := <-changed; n != 0 {
			t.Fatalf("seed %d: %d frames have changed while they were lent", seed, n)
		}
		if n := in.ring.pool.Loans(); n != 1 {
			t.Fatalf("seed %d: %d buffers are out, want the one that something is lent of", seed, n)
		}
		last.back()
	}
}

// A ring does not grow for what a stream merely claims to need, but when as much has come.
func TestInputGrowsByWhatArrives(t *testing.T) {
	const full = 4 * inputSize
	for arrive, want := range map[int]int{0: inputSize, 1: inputSize, inputSize - 1: inputSize, inputSize: full, inputSize + 1: full, full: 2 * full} {
		in := testInput(t, bytes.NewReader(make([]byte, arrive)), inputSize, full)
		if b, err := in.peek(full + 1); len(b) != arrive || err != io.EOF {
			t.Errorf("%d bytes arrive: %d, %v", arrive, len(b), err)
		}
		if got := cap(in.ring.buf.B); got != want {
			t.Errorf("%d bytes arrive: room for %d, want %d", arrive, got, want)
		}
	}
}

// Nor does it wait while it may grow, and what is lent of the smaller one stays there.
func TestInputGrowsBeforeItWaits(t *testing.T) {
	const size, full = 1000, 2000
	stream := bytes.Repeat([]byte("frame "), full)
	in := testInput(t, bytes.NewReader(stream), size, full)
	b, err := in.peek(size)
	if err != nil {
		t.Fatal(err)
	}
	l, lent := in.take(len(b))
	within(t, "peek", func() {
		if b, err := in.peek(1); err != nil || !bytes.HasPrefix(stream[size:], b) || cap(in.ring.buf.B) != full {
			t.Errorf("room for %d, want %d, %v", cap(in.ring.buf.B), full, err)
		}
	})
	if n := in.ring.pool.Loans(); n != 2 || !bytes.Equal(lent, stream[:size]) {
		t.Errorf("what was lent has changed, or %d buffers are out", n)
	}
	l.back()
}

// Where nothing is at hand and nothing lent, all of the ring is there for the next read.
func TestInputBeginsAnew(t *testing.T) {
	in := testInput(t, iotest.OneByteReader(strings.NewReader("stream")), 100, 100)
	for range len("stream") {
		if _, err := in.peek(1); err != nil || in.lo != 0 {
			t.Fatalf("byte %d is read to %d, %v", in.off, in.lo, err)
		}
		in.discard(1)
	}
}

// Where a full ring is lent, its reader waits until the oldest piece is back, or until it is called off.
func TestInputWaitsForWhatIsLent(t *testing.T) {
	const full = 1000
	stream := bytes.Repeat([]byte("frame "), full)
	in := testInput(t, bytes.NewReader(stream), full, full)
	ctx, cancel := context.WithCancel(t.Context())
	in.done = ctx.Done()
	var lent []loan
	for range 2 {
		if _, err := in.peek(full / 2); err != nil {
			t.Fatal(err)
		}
		l, _ := in.take(full / 2)
		lent = append(lent, l)
	}
	got := make(chan error, 1)
	peek := func() { _, err := in.peek(full / 2); got <- err }
	go peek()
	lent[1].back()
	select {
	case err := <-got:
		t.Fatalf("%v while the oldest piece is lent", err)
	case <-time.After(20 * time.Millisecond):
	}
	lent[0].back()
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	last, _ := in.take(full / 2)
	go peek()
	if err := <-got; err != nil { // the other half is free
		t.Fatal(err)
	}
	other, _ := in.take(full / 2)
	go peek()
	cancel()
	if err := <-got; !errors.Is(err, errStopped) {
		t.Errorf("called off: %v", err)
	}
	last.back()
	other.back()
}

// However many parts there are, a ring's size is one.
func TestRingSizeFitsAnInt(t *testing.T) {
	for _, content := range []int{0, DefaultChunk, zst.MaxChunk} {
		for last, parts := 0, 1; parts < math.MaxInt/4; last, parts = ringSize(content, parts), 2*parts {
			if got := ringSize(content, parts); got < last || got <= 0 {
				t.Fatalf("%d parts of %d: %d, and %d for half as many", parts, content, got, last)
			}
		}
	}
}
