package pipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/xl"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// liveStream gives what the sender of a migration sends, its message behind the end
// included.
func liveStream(t testing.TB) []byte { return vectest.StreamNamed(t, "live-pvh-thin.stream").Bytes }

// mayLeave gives, for the first n bytes of a stream, how many of them a receiver has. As long
// as nobody can tell what it is, it has all.
func mayLeave(t testing.TB, stream []byte) func(n int) int {
	t.Helper()
	w, err := xen.New()
	if err != nil {
		t.Fatal(err)
	}
	at, most := 0, 0
	return func(n int) int {
		if _, err := w.Write(stream[at:n]); err != nil {
			t.Fatal(err)
		}
		at = n
		switch {
		case w.Complete() || w.Kind() == xen.Opaque:
			most = n
		default:
			most = max(most, int(w.Safe()))
		}
		return most
	}
}

// stops gives where a source stops: after every byte where something begins or ends, and
// here and there between.
func stops(stream []byte) []int {
	var at []int
	for n := 1; n <= len(stream); {
		at = append(at, n)
		if n < 1500 || n > len(stream)-400 {
			n++
		} else {
			n = min(n+40_009, len(stream)-399)
		}
		if raceEnabled && n%16 != 0 && n < len(stream)-20 {
			n += 16 - n%16
		}
	}
	return at
}

// A liveLine is a Compressor and a Restorer with a pipe between, and who reads what comes
// out.
type liveLine struct {
	c    *Compressor
	r    *Restorer
	pipe *io.PipeWriter

	mu   sync.Mutex
	more *sync.Cond
	got  []byte
	err  error // that ended the reading
}

func newLiveLine(t testing.TB, pause time.Duration, opts ...Option) *liveLine {
	in, out := io.Pipe()
	l := &liveLine{c: newTestCompressor(t, out, append(opts, WithLive(pause))...), r: newTestRestorer(t, in), pipe: out}
	l.more = sync.NewCond(&l.mu)
	go l.read()
	return l
}

func (l *liveLine) read() {
	b := make([]byte, 64<<10)
	for {
		n, err := l.r.Read(b)
		l.mu.Lock()
		l.got, l.err = append(l.got, b[:n]...), err
		l.more.Broadcast()
		l.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// expect waits until n bytes have come, and demands that they are the stream's and no
// more.
func (l *liveLine) expect(t testing.TB, stream []byte, n int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.got) < n && l.err == nil {
		l.more.Wait()
	}
	if len(l.got) != n || !bytes.Equal(l.got, stream[:n]) || l.err != nil {
		t.Fatalf("%d bytes, which are the stream's: %v; wanted %d; %v", len(l.got), bytes.HasPrefix(stream, l.got), n, l.err)
	}
}

// finish ends a line whose stream is complete.
func (l *liveLine) finish(t testing.TB) {
	t.Helper()
	if err := l.c.Close(); err != nil {
		t.Error(err)
	}
	l.pipe.Close()
	l.mu.Lock()
	for l.err == nil {
		l.more.Wait()
	}
	if l.err != io.EOF {
		t.Error(l.err)
	}
	l.mu.Unlock()
	l.r.Close()
}

// Whoever sends stops after any byte, and that byte arrives all the same; but of what
// would start a guest none does before the whole stream is there. Nobody looks at a clock: what
// does not arrive hangs the test.
//
// Proves: TR-54, TR-75
func TestLiveBytesArriveInEveryPause(t *testing.T) {
	for _, name := range []string{"live-pvh-thin.stream", "hvm-thin.xlsave"} {
		stream := vectest.StreamNamed(t, name).Bytes
		may := mayLeave(t, stream)
		l := newLiveLine(t, 100*time.Microsecond)
		at := 0
		for _, n := range stops(stream) {
			if _, err := l.c.Write(stream[at:n]); err != nil {
				t.Fatal(err)
			}
			l.expect(t, stream, may(n))
			at = n
		}
		l.finish(t)
	}
}

// The same while a read of the source is under way, into the rest of the chunk.
func TestLiveReadFrom(t *testing.T) {
	stream := liveStream(t)
	may := mayLeave(t, stream)
	l := newLiveLine(t, 100*time.Microsecond)
	source, feed := io.Pipe()
	copied := make(chan error, 1)
	go func() { _, err := l.c.ReadFrom(source); copied <- err }()
	at := 0
	for _, n := range stops(stream) {
		if _, err := feed.Write(stream[at:n]); err != nil { // returns when all of it was read
			t.Fatal(err)
		}
		l.expect(t, stream, may(n))
		at = n
	}
	feed.Close()
	if err := <-copied; err != nil {
		t.Fatal(err)
	}
	l.finish(t)
}

// The end of the save stream, and the messages behind it, wait for no pause.
//
// Proves: TR-54
func TestLiveEndWaitsForNoPause(t *testing.T) {
	stream := liveStream(t)
	end := len(stream) - len(xl.Clearance)
	l := newLiveLine(t, time.Minute)
	at := 0
	for _, n := range []int{end, end + 1, len(stream)} {
		if _, err := l.c.Write(stream[at:n]); err != nil {
			t.Fatal(err)
		}
		l.expect(t, stream, n)
		at = n
	}
	l.finish(t)
}

// Flush needs no pause either, and leaves nothing unsealed.
func TestLiveFlush(t *testing.T) {
	stream := liveStream(t)
	may := mayLeave(t, stream)
	l := newLiveLine(t, time.Minute)
	at := 0
	for _, n := range []int{10, 1000, 1000, 1000 + 4*testChunk, len(stream) - 100, len(stream)} {
		l.c.Write(stream[at:n])
		if err := l.c.Flush(); err != nil {
			t.Fatal(err)
		}
		l.expect(t, stream, may(n))
		at = n
	}
	l.finish(t)
}

// sealedLive gives the live stream of a payload, with many seals in it.
func sealedLive(t testing.TB, payload []byte, opts ...Option) []byte {
	t.Helper()
	var b bytes.Buffer
	c := newTestCompressor(t, &b, append(opts, WithLive(time.Minute))...)
	random := rand.New(rand.NewPCG(1, 2))
	for len(payload) > 0 {
		n := min(len(payload), 1+random.IntN(3*testChunk))
		if _, err := c.Write(payload[:n]); err != nil {
			t.Fatal(err)
		}
		if payload = payload[n:]; random.IntN(2) == 0 {
			if err := c.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Wherever a live stream is cut, what came out cannot start a guest, unless all of the
// save stream did and was sealed.
//
// Proves: TR-72, TR-75
func TestLiveCut(t *testing.T) {
	payload := vectest.StreamNamed(t, "hvm-thin.xlsave").Bytes
	stream := sealedLive(t, payload)
	safe := mayLeave(t, payload)(len(payload) - 1)
	cuts := 0
	for n := 0; n < len(stream); n += 1 + 6*(n*(len(stream)-1-n)/len(stream))/1000 {
		got, _, err := restore(t, stream[:n])
		if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.HasPrefix(payload, got) {
			t.Fatalf("cut at %d of %d: %v, %d bytes", n, len(stream), err, len(got))
		}
		if len(got) > safe && len(got) < len(payload) {
			t.Fatalf("cut at %d: %d bytes came out, which Xen might take for a guest: %d are safe", n, len(got), safe)
		}
		cuts++
	}
	t.Logf("%d cuts", cuts)
}

// Whatever bit is flipped, what came out is the beginning of the payload, and as harmless.
//
// Proves: TR-32, TR-75
func TestLiveFlips(t *testing.T) {
	payload := vectest.StreamNamed(t, "hvm-thin.xlsave").Bytes
	stream := sealedLive(t, payload)
	safe := mayLeave(t, payload)(len(payload) - 1)
	step := max(1, len(stream)/1500)
	if raceEnabled {
		step *= 10
	}
	for at := 0; at < len(stream); at += step {
		b := bytes.Clone(stream)
		b[at] ^= 1 << (at % 8)
		got, _, err := restore(t, b)
		if err == nil || !bytes.HasPrefix(payload, got) {
			t.Fatalf("byte %d: %v, %d bytes that are the payload's: %v", at, err, len(got), bytes.HasPrefix(payload, got))
		}
		if len(got) > safe && len(got) < len(payload) {
			t.Fatalf("byte %d: %d bytes came out, %d are safe", at, len(got), safe)
		}
	}
}

// A live stream of anything else is neither made nor taken.
//
// Proves: TR-53, TR-76
func TestLiveIsForSaveStreams(t *testing.T) {
	stream := liveStream(t)
	for name, payload := range map[string][]byte{
		"nothing": nil, "short": stream[:5], "text": []byte("neither fish nor flesh, and long enough to tell"),
		"zeros": make([]byte, 3*testChunk), "cut": stream[:len(stream)/2],
	} {
		var b bytes.Buffer
		c := newTestCompressor(t, &b, WithLive(time.Minute))
		_, err := c.Write(payload)
		if err == nil {
			err = c.Close()
		}
		var place *frame.Error
		if !errors.As(err, &place) {
			t.Errorf("%s: made: %v", name, err)
		}
		c.Abort()
	}
	for _, content := range []string{one, "", "Xen saved"} {
		h := zst.AppendHeader(nil, zst.Header{Chunk: testChunk, Live: true, Format: zst.FormatLive})
		frames := [][]byte{h, seal(true)}
		if content != "" {
			frames = [][]byte{h, data(t, content), seal(false, content), seal(true, content)}
		}
		got, _, err := restore(t, join(frames...))
		if content == "Xen saved" { // what is too short to tell is judged at its end
			if err == nil {
				t.Errorf("%q: taken", content)
			}
			continue
		}
		wantRule(t, fmt.Sprintf("%q", content), err, "TR-76", frame.ErrCorrupt)
		if len(got) != 0 {
			t.Errorf("%q: %d bytes came out", content, len(got))
		}
	}
	if _, err := NewCompressor(io.Discard, WithLive(time.Second), WithCheck(CheckOff)); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("live without a check: %v", err)
	}
	for _, pause := range []time.Duration{0, -1, time.Microsecond, time.Hour} {
		if _, err := NewCompressor(io.Discard, WithLive(pause)); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("a pause of %v: %v", pause, err)
		}
	}
}

// In a stream that is not live a seal lets nothing out: that is what readers
// of the first format know.
func TestSealLetsNothingOutUnlessLive(t *testing.T) {
	h := header()
	frames := slices.Concat(h, data(t, one), seal(false, one))
	if got, _, err := restore(t, frames); len(got) != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes came out, %v", len(got), err)
	}
}

// Every level and wire, and whoever else reads zstd.
func TestLiveRoundTrips(t *testing.T) {
	payload := liveStream(t)
	for _, opts := range [][]Option{
		{WithLevel(LevelElide)}, {WithLevel(LevelAuto)}, {WithLevel(LevelBetter), WithVerifyEncode()},
		{WithLevel(LevelFast), WithWire(zst.WireCtxpipe)},
	} {
		stream := sealedLive(t, payload, opts...)
		got, info, err := restore(t, stream)
		if err != nil || !bytes.Equal(got, payload) || !info.Live || !info.Guarded {
			t.Errorf("%v, %d bytes, %+v", err, len(got), info)
		}
		if l, err := List(bytes.NewReader(stream)); err != nil || !l.Sealed || l.Skippable < 5 {
			t.Errorf("listing %+v, %v", l, err)
		}
		part := make([]byte, 5000)
		ra, err := NewReaderAt(bytes.NewReader(stream), int64(len(stream)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ra.ReadAt(part, 100_000); err != nil || !bytes.Equal(part, payload[100_000:105_000]) {
			t.Errorf("random access: %v", err)
		}
		ra.Close()
	}
}

// A Compressor that is given up in a pause leaves nothing behind, and can be used again.
func TestLiveAbortAndReset(t *testing.T) {
	stream := liveStream(t)
	var b bytes.Buffer
	c := newTestCompressor(t, &b, WithLive(100*time.Microsecond))
	for range 50 {
		c.Write(stream[:testChunk+17])
		c.Abort()
		if err := c.Close(); err != ErrAborted {
			t.Fatalf("Close after Abort: %v", err)
		}
		b.Reset()
		c.Reset(&b)
	}
	if _, err := c.Write(stream); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _, err := restore(t, b.Bytes()); err != nil || !bytes.Equal(got, stream) {
		t.Errorf("%v, %d bytes", err, len(got))
	}
}
