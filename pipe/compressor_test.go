package pipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/xio"
)

var boundaries = []int{0, 1, testChunk - 1, testChunk, testChunk + 1, 3*testChunk + 17}

// writeSteps writes p in pieces of step bytes; 0 means at once.
func writeSteps(t testing.TB, w io.Writer, p []byte, step int) {
	t.Helper()
	if step == 0 {
		step = max(1, len(p))
	}
	for len(p) > 0 {
		n, err := w.Write(p[:min(step, len(p))])
		if err != nil {
			t.Fatal(err)
		}
		p = p[n:]
	}
}

// Proves: TR-2, TR-3, TR-20, TR-23, TR-24, TR-40
func TestRoundTrip(t *testing.T) {
	for _, n := range boundaries {
		for name, payload := range payloads(n) {
			var want []byte
			for _, step := range []int{1, 7, 512, testChunk, 0} {
				var b bytes.Buffer
				c := newTestCompressor(t, &b)
				writeSteps(t, c, payload, step)
				if err := c.Close(); err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = b.Bytes()
				}
				if !bytes.Equal(b.Bytes(), want) {
					t.Errorf("%s %d: step %d gives other bytes", name, n, step)
				}
			}
			checkStream(t, fmt.Sprint(name, " ", n), want, payload)
		}
	}
}

// checkStream demands that a stream restores to payload, here and in a decoder
// that knows nothing of ctxpipe.
func checkStream(t *testing.T, name string, stream, payload []byte) {
	t.Helper()
	got, info, err := restore(t, stream)
	if err != nil || !bytes.Equal(got, payload) {
		t.Errorf("%s: restored %d bytes, %v", name, len(got), err)
	}
	frames := int64((len(payload) + testChunk - 1) / testChunk)
	if want := (Info{Kind: Sealed, Chunk: testChunk, Payload: zst.PayloadOpaque, Frames: frames, End: int64(len(payload))}); info != want {
		t.Errorf("%s: info %+v, want %+v", name, info, want)
	}
	dec, _ := zstd.NewReader(nil)
	defer dec.Close()
	if got, err := dec.DecodeAll(stream, nil); err != nil || !bytes.Equal(got, payload) {
		t.Errorf("%s: plain decoder gives %d bytes, %v", name, len(got), err)
	}
	for _, f := range split(t, stream) {
		if h, err := zst.ParseFrameHeader(f); err == nil && len(f) > zst.MaxFrameSize(int(h.ContentSize)) {
			t.Errorf("%s: frame of %d bytes for %d", name, len(f), h.ContentSize)
		}
	}
}

// Reading in any way gives the same stream as writing.
func TestReadFrom(t *testing.T) {
	payload := payloads(3*testChunk + 17)["words"]
	want := compress(t, payload)
	for name, r := range map[string]io.Reader{
		"plain":    bytes.NewReader(payload),
		"one byte": iotest.OneByteReader(bytes.NewReader(payload)),
		"half":     iotest.HalfReader(bytes.NewReader(payload)),
		"data err": iotest.DataErrReader(bytes.NewReader(payload)),
	} {
		var b bytes.Buffer
		c := newTestCompressor(t, &b)
		n, err := c.ReadFrom(r)
		if n != int64(len(payload)) || err != nil {
			t.Fatalf("%s: %d, %v", name, n, err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s: other bytes", name)
		}
	}
}

// After every end but a clean one: no seal, no buffers, the same error for ever.
//
// Proves: TR-50
func TestNeverSealedAfterFailure(t *testing.T) {
	payload := payloads(2*testChunk + 5)["words"]
	for name, c := range map[string]struct {
		spoil func(*Compressor)
		want  error
	}{
		"source error": {func(c *Compressor) {
			c.ReadFrom(io.MultiReader(bytes.NewReader(payload), iotest.ErrReader(errSource)))
		}, errSource},
		"source cut": {func(c *Compressor) {
			c.ReadFrom(io.MultiReader(bytes.NewReader(payload), iotest.ErrReader(io.ErrUnexpectedEOF)))
		}, io.ErrUnexpectedEOF},
		"source stuck": {func(c *Compressor) { c.ReadFrom(stuck{}) }, io.ErrNoProgress},
		"source mad":   {func(c *Compressor) { c.ReadFrom(mad{}) }, xio.ErrCount},
		"abort": {func(c *Compressor) {
			c.Write(payload)
			c.Abort()
			c.Abort()
		}, ErrAborted},
		"abort at once": {func(c *Compressor) { c.Abort() }, ErrAborted},
	} {
		var b bytes.Buffer
		cp := newTestCompressor(t, &b)
		c.spoil(cp)
		before := b.Len()
		first := cp.Close()
		if name == "source error" {
			if want := fmt.Sprintf("read input at offset %d: ", len(payload)); !strings.HasPrefix(first.Error(), want) {
				t.Errorf("%q does not begin with %q", first, want)
			}
		}
		if !errors.Is(first, c.want) {
			t.Errorf("%s: Close gives %v, want %v", name, first, c.want)
		}
		if _, err := cp.Write(payload); err != first {
			t.Errorf("%s: Write gives %v", name, err)
		}
		if _, err := cp.ReadFrom(bytes.NewReader(payload)); err != first {
			t.Errorf("%s: ReadFrom gives %v", name, err)
		}
		if err := cp.Close(); err != first {
			t.Errorf("%s: second Close gives %v", name, err)
		}
		if b.Len() != before || cp.line.pool.Loans() != 0 {
			t.Errorf("%s: %d bytes after the failure, %d buffers out", name, b.Len()-before, cp.line.pool.Loans())
		}
		if out, _, err := restore(t, b.Bytes()); !errors.Is(err, io.ErrUnexpectedEOF) || len(out) >= len(payload) {
			t.Errorf("%s: restored %d bytes, %v", name, len(out), err)
		}
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

type mad struct{}

func (mad) Read(p []byte) (int, error) { return len(p) + 1, nil }

// limited takes n bytes and fails.
type limited struct {
	n   int
	err error // nil: a short write without an error
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) <= l.n {
		l.n -= len(p)
		return len(p), nil
	}
	return l.n, l.err
}

// Proves: TR-50
func TestWriterErrorSticks(t *testing.T) {
	payload := payloads(3*testChunk + 5)["random"]
	whole := len(compress(t, payload))
	errDest := errors.New("destination failed")
	for at := 0; at < whole; at += 1 + whole/100 {
		for _, want := range []error{errDest, io.ErrShortWrite} {
			dest := &limited{at, errDest}
			if want == io.ErrShortWrite {
				dest.err = nil
			}
			c := newTestCompressor(t, dest)
			_, err := c.Write(payload)
			closed := c.Close()
			if err != nil && closed != err || !errors.Is(closed, want) || !strings.HasPrefix(closed.Error(), fmt.Sprintf("write output at offset %d: ", at)) {
				t.Fatalf("at %d: Write gives %v, Close %v", at, err, closed)
			}
			if again := c.Close(); again != closed || c.line.pool.Loans() != 0 {
				t.Fatalf("at %d: second Close gives %v, %d buffers out", at, again, c.line.pool.Loans())
			}
		}
	}
}

func TestClose(t *testing.T) {
	var b bytes.Buffer
	c := newTestCompressor(t, &b)
	for range 3 {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sealed := b.Len()
	c.Abort()
	if _, err := c.Write([]byte{1}); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("Write after Close: %v", err)
	}
	if _, err := c.ReadFrom(bytes.NewReader([]byte{1})); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("ReadFrom after Close: %v", err)
	}
	if err := c.Close(); err != nil || b.Len() != sealed || c.line.pool.Loans() != 0 {
		t.Errorf("Close: %v, %d bytes more, %d buffers out", err, b.Len()-sealed, c.line.pool.Loans())
	}
}

// countWrites counts calls.
type countWrites struct{ n int }

func (c *countWrites) Write(p []byte) (int, error) { c.n++; return len(p), nil }

func TestOneWriteForEachFrame(t *testing.T) {
	var w countWrites
	c := newTestCompressor(t, &w)
	writeSteps(t, c, make([]byte, 5*testChunk), 1000)
	if err := c.Flush(); err != nil || w.n != 5 {
		t.Errorf("%d writes for 5 frames", w.n)
	}
	if err := c.Close(); err != nil || w.n != 7 {
		t.Errorf("%d writes with seal and table, %v", w.n, err)
	}
	if s := c.Stats(); s.BytesIn != 5*testChunk || s.Frames != 5 || s.BytesOut == 0 || s.Seconds <= 0 {
		t.Errorf("stats %+v", s)
	}
}

// Proves: TR-51
func TestTooManyFrames(t *testing.T) {
	c := newTestCompressor(t, io.Discard)
	if c.limit != 1<<27 {
		t.Errorf("limit %d", c.limit)
	}
	c.limit = 5 // header, three data frames, seal
	if _, err := c.Write(make([]byte, 3*testChunk)); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	c.Write(make([]byte, testChunk))
	err := c.Flush()
	if !errors.Is(err, frame.ErrTooLarge) || c.Close() != err {
		t.Errorf("error %v", err)
	}
}

// Proves: TR-17
func TestHeaderNamesThePayload(t *testing.T) {
	for _, c := range knownPayloads {
		var b bytes.Buffer
		w := newTestCompressor(t, &b, WithCheck(CheckOff))
		if _, err := w.Write([]byte(c.first + "and more")); err != nil || w.Close() != nil {
			t.Fatalf("%q: %v, %v", c.first, err, w.Close())
		}
		if _, info, err := restore(t, b.Bytes(), WithCheck(CheckOff)); err != nil || info.Payload != c.want {
			t.Errorf("%q: %v, %v", c.first, info.Payload, err)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	for _, n := range []int{-1, 0, MinChunk - 1, MaxChunk + 1} {
		if _, err := NewCompressor(io.Discard, WithChunk(n)); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("WithChunk(%d): %v", n, err)
		}
	}
	for name, o := range map[string]RestoreOption{
		"chunk": WithMaxChunk(1), "window": WithMaxWindow(1), "skippable": WithMaxSkippable(-1),
		"frames": WithMaxFrames(0), "output": WithMaxOutput(-1),
	} {
		if _, err := NewRestorer(nil, o); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The reference implementation reads what we write.
//
// Proves: TR-2
func TestReferenceDecoder(t *testing.T) {
	tool, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("no zstd command")
	}
	for _, n := range boundaries {
		for name, payload := range payloads(n) {
			stream := compress(t, payload)
			for _, flag := range []string{"-dc", "-tq"} {
				cmd := exec.Command(tool, flag)
				cmd.Stdin = bytes.NewReader(stream)
				out, err := cmd.Output()
				if err != nil || flag == "-dc" && !bytes.Equal(out, payload) {
					t.Errorf("zstd %s of %s %d: %d bytes, %v", flag, name, n, len(out), err)
				}
			}
		}
	}
	file := t.TempDir() + "/stream.zst"
	if err := os.WriteFile(file, compress(t, payloads(3 * testChunk)["words"]), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "-l", file).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("XXH64")) {
		t.Errorf("zstd -l: %v\n%s", err, out)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, chunk := range payloads(testChunk) {
		c := newTestCompressor(t, io.Discard)
		c.Write(chunk)
		if n := testing.AllocsPerRun(200, func() { c.Write(chunk) }); n != 0 {
			t.Errorf("%s: %v allocations per frame, want 0", name, n)
		}
		r := bytes.NewReader(chunk)
		if n := testing.AllocsPerRun(200, func() { r.Reset(chunk); c.ReadFrom(r) }); n != 0 {
			t.Errorf("%s: %v allocations per frame by ReadFrom, want 0", name, n)
		}
		c.Abort()
	}
}
