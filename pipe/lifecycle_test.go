package pipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

// failingWith gives some bytes and then an error, together with the last of them or
// behind them.
func failingWith(b []byte, err error, together bool) io.Reader {
	r := io.MultiReader(bytes.NewReader(b), iotest.ErrReader(err))
	if together {
		return iotest.DataErrReader(r)
	}
	return r
}

// Whatever state a Compressor is in, Abort ends it: nothing more is written, what
// stuck before still does, and nothing stays behind.
//
// Proves: TR-50
func TestAbortInEveryState(t *testing.T) {
	payload := payloads(3*testChunk + 17)["words"]
	errDest := errors.New("destination failed")
	for name, c := range map[string]struct {
		bring func(c *Compressor, b *bytes.Buffer)
		want  error // of Close
	}{
		"fresh":           {func(*Compressor, *bytes.Buffer) {}, ErrAborted},
		"nothing written": {func(c *Compressor, _ *bytes.Buffer) { c.Write(nil); c.Flush() }, ErrAborted},
		"in a chunk":      {func(c *Compressor, _ *bytes.Buffer) { c.Write(payload[:5]) }, ErrAborted},
		"after a chunk":   {func(c *Compressor, _ *bytes.Buffer) { c.Write(payload[:testChunk]); c.Flush() }, ErrAborted},
		"running":         {func(c *Compressor, _ *bytes.Buffer) { c.Write(payload) }, ErrAborted},
		"flushed":         {func(c *Compressor, _ *bytes.Buffer) { c.Write(payload); c.Flush() }, ErrAborted},
		"read":            {func(c *Compressor, _ *bytes.Buffer) { c.ReadFrom(bytes.NewReader(payload)); c.Flush() }, ErrAborted},
		"source failed":   {func(c *Compressor, _ *bytes.Buffer) { c.ReadFrom(iotest.ErrReader(errSource)) }, errSource},
		"dest failed": {func(c *Compressor, _ *bytes.Buffer) {
			c.Reset(&limited{100, errDest})
			c.Write(payload)
			c.Flush()
		}, errDest},
		"aborted": {func(c *Compressor, _ *bytes.Buffer) { c.Write(payload); c.Abort() }, ErrAborted},
		"sealed":  {func(c *Compressor, _ *bytes.Buffer) { c.Write(payload); c.Close() }, nil},
		"reset": {func(c *Compressor, b *bytes.Buffer) {
			c.Write(payload)
			c.Abort()
			b.Reset()
			c.Reset(b)
		}, ErrAborted},
	} {
		var b bytes.Buffer
		cp := newTestCompressor(t, &b)
		c.bring(cp, &b)
		cp.Abort()
		if left := leftBehind(cp.line.pool.Loans); left != "" {
			t.Errorf("%s: %s", name, left)
		}
		n := b.Len()
		err := cp.Close()
		if !errors.Is(err, c.want) || b.Len() != n {
			t.Errorf("%s: Close gives %v, and wrote %d bytes", name, err, b.Len()-n)
		}
		_, writeErr := cp.Write([]byte{1})
		if flushErr := cp.Flush(); writeErr == nil || flushErr == nil || c.want != nil && (writeErr != err || flushErr != err) {
			t.Errorf("%s: Write gives %v, Flush %v", name, writeErr, flushErr)
		}
		if _, _, err := restore(t, b.Bytes()); (err == nil) != (c.want == nil) {
			t.Errorf("%s: restoring: %v", name, err)
		}
	}
}

// A source that fails at the end of a chunk, or at once, has not ended, whatever
// its error is called.
//
// Proves: TR-50
func TestCompressorKeepsTheSourceError(t *testing.T) {
	payload := payloads(2 * testChunk)["words"]
	for _, n := range []int{0, 1, testChunk - 1, testChunk, 2 * testChunk} {
		for _, want := range []error{errSource, io.ErrUnexpectedEOF, io.ErrClosedPipe} {
			for _, together := range []bool{false, true} {
				var b bytes.Buffer
				c := newTestCompressor(t, &b)
				got, err := c.ReadFrom(failingWith(payload[:n], want, together))
				if where := fmt.Sprintf("read input at offset %d: ", n); got != int64(n) || !errors.Is(err, want) || !strings.HasPrefix(err.Error(), where) {
					t.Errorf("%d, %v: %d, %v", n, want, got, err)
				}
				if again := c.Close(); again != err {
					t.Errorf("%d, %v: Close gives %v", n, want, again)
				}
				if _, _, err := restore(t, b.Bytes()); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%d, %v: restoring: %v", n, want, err)
				}
			}
		}
	}
}

// The same for a Restorer: at each end of a frame, with the last bytes or behind them,
// and in a frame that is streamed.
//
// Proves: TR-63, TR-72
func TestRestorerKeepsTheSourceError(t *testing.T) {
	sealed, payload := allLevels(t, zst.WireCtxpipe)
	long := payloads(wholeForeign + DefaultChunk + 1)["random"] // quick to decode
	for _, c := range []struct {
		name    string
		frames  [][]byte
		payload []byte
	}{
		{"sealed", split(t, sealed), payload},
		{"foreign", [][]byte{whole(t, payload), streamed(t, payload), skippable(0x184D2A50, "x"), whole(t, nil)}, bytes.Repeat(payload, 2)},
		{"streamed", [][]byte{streamed(t, long), whole(t, payload)}, append(bytes.Clone(long), payload...)},
		{"streamed, size known", [][]byte{whole(t, long, zstd.WithEncoderCRC(false)), whole(t, payload)}, append(bytes.Clone(long), payload...)},
	} {
		stream := bytes.Join(c.frames, nil)
		var at []int
		end := 0
		for _, f := range c.frames {
			for _, n := range []int{end, end + 3, end + len(f)/3, end + len(f)*9/10, end + len(f) - 1} {
				if n < end+len(f) {
					at = append(at, n)
				}
			}
			end += len(f)
		}
		for _, n := range append(at, end) {
			for _, want := range []error{errSource, io.ErrUnexpectedEOF} {
				for _, together := range []bool{false, true} {
					got, _, err := restoreFrom(t, failingWith(stream[:n], want, together))
					where := fmt.Sprintf("read input at offset %d: ", n)
					if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), where) || len(got) > max(0, len(c.payload)-testChunk) || !bytes.HasPrefix(c.payload, got) {
						t.Errorf("%s at %d of %d, together %v: %d bytes, %v", c.name, n, end, together, len(got), err)
					}
				}
			}
		}
	}
}

// Of several things that are wrong, the first is told, with its place, however many
// work on them; what comes later makes no difference.
//
// Proves: TR-64
func TestTheFirstErrorWins(t *testing.T) {
	payload := payloads(12 * testChunk)["words"]
	stream := compress(t, payload)
	frames := split(t, stream)
	at := len(frames[0]) + len(frames[1]) + len(frames[2])
	bad := bytes.Clone(stream)
	for i, off := 3, at; i < 10; i++ {
		bad[off+len(frames[i])/2] ^= 4
		off += len(frames[i])
	}
	_, _, want := restore(t, bad, WithWorkers(1))
	if want == nil || !strings.Contains(want.Error(), fmt.Sprintf("offset %d, entry 3,", at)) {
		t.Fatalf("%v, want one at %d", want, at)
	}
	for i := range 50 {
		r := failingWith(bad[:len(bad)-i], errSource, i%2 == 0)
		if _, _, err := restoreFrom(t, r, WithWorkers(1+i%8)); err == nil || err.Error() != want.Error() {
			t.Errorf("%v, want %v", err, want)
		}
	}
	// The destination first, then the source.
	errDest := errors.New("destination failed")
	c := newTestCompressor(t, &limited{100, errDest}, WithWorkers(2))
	c.Write(payload[:testChunk])
	err := c.Flush()
	c.ReadFrom(iotest.ErrReader(errSource))
	c.Abort()
	if again := c.Close(); !errors.Is(err, errDest) || again != err {
		t.Errorf("%v, then %v", err, again)
	}
}

// Whenever a context ends, everything else does, wherever it is just stuck, and the
// cause is told; nobody takes what was done until then for a whole.
//
// Proves: TR-50, TR-64
func TestContextEndsAtAnyMoment(t *testing.T) {
	payload := payloads(20 * testChunk)["words"]
	stream := compress(t, payload)
	why := errors.New("the other side gave up")
	rng := rand.New(rand.NewPCG(11, 12))
	ended, through := 0, 0
	for range 80 {
		ctx, cancel := context.WithCancelCause(t.Context())
		delay := time.Duration(rng.IntN(3000)) * time.Microsecond
		stuckAfter := rng.IntN(2 * len(stream)) // often never
		within(t, "everything", func() {
			// The source gives a part and is stuck, until the context has ended.
			source, feed := io.Pipe()
			fed := make(chan struct{})
			go func() {
				defer close(fed)
				if feed.Write(payload[:min(stuckAfter, len(payload))]); stuckAfter < len(payload) {
					<-ctx.Done()
				}
				feed.CloseWithError(io.EOF)
			}()
			timer := time.AfterFunc(delay, func() { cancel(why) })
			defer timer.Stop()
			var b bytes.Buffer
			c := newTestCompressor(t, &b, WithContext(ctx), WithWorkers(1+rng.IntN(4)))
			_, err := c.ReadFrom(source)
			err = errors.Join(err, c.Close())
			source.Close()
			<-fed
			judge := func(what string, err error, got []byte) {
				switch {
				case err == nil && bytes.Equal(got, payload):
					through++
				case errors.Is(err, why) && len(got) < len(payload):
					ended++
				default:
					t.Errorf("%s: %d bytes, %v", what, len(got), err)
				}
			}
			got, _, restoreErr := restore(t, b.Bytes())
			if (err == nil) != (restoreErr == nil) {
				t.Errorf("compressing: %v, restoring that: %v", err, restoreErr)
			}
			judge("compressing", err, got)

			rctx, rcancel := context.WithCancelCause(t.Context())
			timer = time.AfterFunc(delay, func() { rcancel(why) })
			defer timer.Stop()
			source, feed = io.Pipe()
			go func() {
				if feed.Write(stream[:min(stuckAfter, len(stream))]); stuckAfter >= len(stream) {
					feed.Close()
				}
			}()
			rs := newTestRestorer(t, source, WithContext(rctx), WithWorkers(1+rng.IntN(4)))
			var out bytes.Buffer
			_, err = rs.WriteTo(&out)
			rs.Close()
			source.Close() // lets go of whoever is stuck in it
			judge("restoring", err, out.Bytes())
			cancel(nil)
			rcancel(nil)
		})
		if left := leftBehind(bufpool.Out); left != "" {
			t.Fatal(left)
		}
	}
	t.Logf("%d were ended, %d came through", ended, through)
	if ended < 20 {
		t.Errorf("only %d were ended", ended)
	}
}

// late is a context that is done, and has told nobody yet.
type late struct{ context.Context }

func (late) Err() error { return context.Canceled }

// A source that ends because the context does has not come to its end, even if a
// filter hears of the context later than the source.
//
// Proves: TR-50
func TestSourceThatEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	payload := payloads(testChunk + 17)["words"]
	var b bytes.Buffer
	c := newTestCompressor(t, &b, WithContext(late{ctx}))
	c.ReadFrom(bytes.NewReader(payload))
	if err := c.Close(); !errors.Is(err, context.Canceled) {
		t.Errorf("Close: %v", err)
	}
	if _, _, err := restore(t, b.Bytes()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("restoring: %v", err)
	}
	for name, stream := range map[string][]byte{"sealed": compress(t, payload), "foreign": whole(t, payload), "raw": append([]byte("unknown "), payload...)} {
		if got, _, err := restore(t, stream, WithForce(), WithContext(late{ctx})); !errors.Is(err, context.Canceled) || len(got) > len(payload)-testChunk {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// mallocs gives the number of allocations of f.
func mallocs(f func()) int64 { return int64(testing.AllocsPerRun(1, f)) }

// Twice the frames take no more allocations, at any level and on either side, except
// for the seek table, which grows by doubling.
func TestSteadyStateAtEveryLevel(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const frames = 100
	payload := bytes.Repeat(benchPayload()[:4*testChunk], frames/2)
	for l, opts := range levelOptions() {
		if l == LevelAuto {
			continue // makes codecs whenever it comes to need them
		}
		for _, verify := range []bool{false, true} {
			if verify {
				opts = append(opts, WithVerifyEncode())
			}
			var streams [2][]byte
			var made [2]int64
			for i := range made {
				var b bytes.Buffer
				b.Grow(len(payload) * 11 / 10)
				c := newTestCompressor(t, &b, append(opts, WithWorkers(2))...)
				c.Write(payload[:testChunk*20]) // makes the codecs
				c.Flush()
				made[i] = mallocs(func() {
					if _, err := c.Write(payload[:(1+i)*frames*testChunk]); err != nil {
						t.Error(err)
					}
					c.Flush()
				})
				c.Close()
				streams[i] = b.Bytes()
			}
			if made[1]-made[0] > frames/10 {
				t.Errorf("%v, verify %v: %d allocations for %d frames, %d for twice as many", l, verify, made[0], frames, made[1])
			}
			if verify {
				continue
			}
			var restored [2]int64
			for i := range restored {
				rs := newTestRestorer(t, nil, WithWorkers(2))
				restored[i] = mallocs(func() {
					rs.Reset(bytes.NewReader(streams[i]))
					if _, err := rs.WriteTo(io.Discard); err != nil {
						t.Error(err)
					}
				})
				rs.Close()
			}
			if restored[1]-restored[0] > frames/10 {
				t.Errorf("%v: %d allocations to restore %d frames, %d for twice as many", l, restored[0], frames, restored[1])
			}
			t.Logf("%v: %d and %d allocations to compress, %d and %d to restore", l, made[0], made[1], restored[0], restored[1])
		}
	}
}
