package pipe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

func TestRestorerIsAReader(t *testing.T) {
	for _, n := range boundaries {
		payload := payloads(n)["words"]
		rs := newTestRestorer(t, bytes.NewReader(compress(t, payload)))
		if err := iotest.TestReader(rs, payload); err != nil {
			t.Error(err)
		}
		rs.Close()
	}
}

// It does not matter how the source hands out its bytes.
func TestRestoreFromAnyReader(t *testing.T) {
	payload := payloads(3*testChunk + 17)["words"]
	stream := compress(t, payload)
	for name, r := range map[string]io.Reader{
		"one byte": iotest.OneByteReader(bytes.NewReader(stream)),
		"half":     iotest.HalfReader(bytes.NewReader(stream)),
		"data err": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		if got, _, err := restoreFrom(t, r); err != nil || !bytes.Equal(got, payload) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// Reading in steps of any size gives the same bytes.
func TestReadSteps(t *testing.T) {
	payload := payloads(3*testChunk + 17)["words"]
	stream := compress(t, payload)
	for _, step := range []int{1, 7, 512, testChunk, 4 * testChunk} {
		rs := newTestRestorer(t, bytes.NewReader(stream))
		var got []byte
		var err error
		for p := make([]byte, step); err == nil; {
			var n int
			n, err = rs.Read(p)
			got = append(got, p[:n]...)
		}
		if err != io.EOF || !bytes.Equal(got, payload) {
			t.Errorf("step %d: %d bytes, %v", step, len(got), err)
		}
		rs.Close()
	}
}

// sizes records the size of each write.
type sizes []int

func (s *sizes) Write(p []byte) (int, error) { *s = append(*s, len(p)); return len(p), nil }

// Proves: TR-70
func TestWriteToWritesWholeChunks(t *testing.T) {
	rs := newTestRestorer(t, bytes.NewReader(compress(t, make([]byte, 5*testChunk))))
	defer rs.Close()
	var got sizes
	n, err := rs.WriteTo(&got)
	if n != 5*testChunk || err != nil || len(got) != 5 {
		t.Fatalf("%d bytes in writes of %v, %v", n, got, err)
	}
	s := rs.Stats()
	if s.BytesOut != 5*testChunk || s.BytesIn == 0 || s.Frames != 5 || s.Seconds <= 0 {
		t.Errorf("stats %+v", s)
	}
	text, err := json.Marshal(rs.Info())
	if want := `{"kind":"sealed","chunk":65536,"payload":"opaque","wire":"zstd","live":false,"guarded":false,"end":327680,"frames":5}`; string(text) != want || err != nil {
		t.Errorf("info %s, %v", text, err)
	}
}

// watch is a source that gives its bytes slowly, so that what could leave has
// the time to.
type watch struct {
	r  io.Reader
	rs *Restorer
}

func (w *watch) Read(p []byte) (int, error) {
	return w.r.Read(p[:min(len(p), 1<<10)])
}

// Until the source has said that it is at its end, no byte of the last chunk
// has left.
//
// Proves: TR-70, TR-71
func TestNothingLeavesTooEarly(t *testing.T) {
	payload := payloads(3*testChunk + 17)["words"]
	times := 2 + DefaultChunk/len(payload) // more than is held back
	for name, stream := range map[string][]byte{
		"sealed":           compress(t, payload),
		"foreign streamed": streamed(t, bytes.Repeat(payload, times)),
		"foreign whole":    bytes.Repeat(whole(t, payload), times),
		"raw":              append([]byte("LibxlFmt"), bytes.Repeat(payload, times)...),
	} {
		w := &watch{r: bytes.NewReader(stream)}
		w.rs = newTestRestorer(t, w, WithCheck(CheckOff))
		var most int64
		// Once the last byte is gone, all else has to have been held.
		w.r = io.MultiReader(w.r, readerFunc(func([]byte) (int, error) {
			// What may leave does sooner or later; what may not would while we wait a little.
			for w.rs.meter.out.Load() == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(10 * time.Millisecond)
			most = w.rs.meter.out.Load()
			return 0, io.EOF
		}))
		n, err := w.rs.WriteTo(io.Discard)
		if err != nil || most > n-int64(w.rs.info.Chunk) || most == 0 {
			t.Errorf("%s: %d of %d bytes left before the end, %v", name, most, n, err)
		}
		w.rs.Close()
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A source that fails is not a source that ends, wherever it fails, and
// nothing of the last chunk leaves.
//
// Proves: TR-63, TR-64, TR-72
func TestSourceErrorIsKept(t *testing.T) {
	payload := bytes.Repeat([]byte("ab"), testChunk)
	for name, stream := range map[string][]byte{
		"sealed":  compress(t, payload),
		"foreign": append(streamed(t, payload[:5000]), whole(t, payload[:5000])...),
		"raw":     append([]byte("LibxlFmt"), payload[:500]...),
	} {
		for n := range len(stream) + 1 {
			for _, sourceErr := range []error{errSource, io.ErrUnexpectedEOF} {
				r := io.MultiReader(bytes.NewReader(stream[:n]), iotest.ErrReader(sourceErr))
				got, _, err := restoreFrom(t, r, WithCheck(CheckOff))
				var e *frame.Error
				if !errors.Is(err, sourceErr) || errors.As(err, &e) || len(got) > len(payload)-testChunk {
					t.Fatalf("%s at %d: %d bytes, %v", name, n, len(got), err)
				}
				if where := fmt.Sprintf("read input at offset %d: ", n); !strings.HasPrefix(err.Error(), where) {
					t.Fatalf("%q does not begin with %q", err, where)
				}
			}
		}
	}
}

func TestDestinationErrorSticks(t *testing.T) {
	errDest := errors.New("destination failed")
	stream := compress(t, make([]byte, 3*testChunk))
	for _, want := range []error{errDest, io.ErrShortWrite} {
		dest := &limited{testChunk + 3, errDest}
		if want == io.ErrShortWrite {
			dest.err = nil
		}
		rs := newTestRestorer(t, bytes.NewReader(stream))
		_, err := rs.WriteTo(dest)
		if !errors.Is(err, want) || rs.loans() != 0 {
			t.Errorf("error %v, %d buffers out", err, rs.loans())
		}
		if _, again := rs.Read(make([]byte, 1)); again != err {
			t.Errorf("Read after it: %v", again)
		}
	}
}

func TestReadAfterClose(t *testing.T) {
	stream := compress(t, make([]byte, 3*testChunk))
	for _, before := range []int{0, 1, testChunk, 3 * testChunk} {
		rs := newTestRestorer(t, bytes.NewReader(stream))
		io.CopyN(io.Discard, rs, int64(before))
		for range 2 {
			if err := rs.Close(); err != nil {
				t.Fatal(err)
			}
		}
		n, err := rs.Read(make([]byte, 1))
		if n != 0 || !errors.Is(err, frame.ErrMisuse) || rs.loans() != 0 {
			t.Errorf("after %d: %d bytes, %v, %d buffers out", before, n, err, rs.loans())
		}
	}
}

// Proves: TR-80
func TestLimits(t *testing.T) {
	stream := compress(t, make([]byte, 3*testChunk)) // five frames before the table
	three := bytes.Repeat(whole(t, []byte("abc")), 3)
	raw := append([]byte("LibxlFmt"), make([]byte, 100)...)
	huge := zst.AppendHeader(nil, zst.Header{Chunk: MaxChunk + 1})
	for _, c := range []struct {
		name   string
		stream []byte
		option RestoreOption
		ok     bool
	}{
		{"chunk default", huge, WithMaxFrames(9), false},
		{"chunk", zst.AppendHeader(nil, zst.Header{Chunk: testChunk + 1}), WithMaxChunk(testChunk), false},
		{"frames", stream, WithMaxFrames(4), false},
		{"frames enough", stream, WithMaxFrames(5), true},
		{"output", stream, WithMaxOutput(3*testChunk - 1), false},
		{"output enough", stream, WithMaxOutput(3 * testChunk), true},
		{"foreign frames", three, WithMaxFrames(2), false},
		{"foreign frames enough", three, WithMaxFrames(3), true},
		{"foreign output", three, WithMaxOutput(8), false},
		{"foreign output enough", three, WithMaxOutput(9), true},
		{"streamed output", streamed(t, make([]byte, 5000)), WithMaxOutput(4999), false},
		{"streamed output enough", streamed(t, make([]byte, 5000)), WithMaxOutput(5000), true},
		{"raw output", raw, WithMaxOutput(107), false},
		{"raw output enough", raw, WithMaxOutput(108), true},
		{"skippable", append(skippable(0x184D2A50, "abc"), three...), WithMaxSkippable(2), false},
		{"skippable enough", append(skippable(0x184D2A50, "abc"), three...), WithMaxSkippable(3), true},
	} {
		_, _, err := restore(t, c.stream, c.option, WithCheck(CheckOff))
		if c.ok && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if !c.ok {
			wantRule(t, c.name, err, "TR-80", frame.ErrTooLarge)
		}
	}
}

// Proves: TR-95, TR-96
func TestRaw(t *testing.T) {
	for _, c := range knownPayloads {
		want := append([]byte(c.first), payloads(3*DefaultChunk + 5)["random"]...)
		got, info, err := restore(t, want, WithCheck(CheckOff))
		if err != nil || !bytes.Equal(got, want) || info.Kind != Raw || info.Payload != c.want {
			t.Errorf("%s: %d bytes, %+v, %v", c.want, len(got), info, err)
		}
	}
	for _, unknown := range []string{"x", "abcd", "\x28\xb5\x2f\xfe and more", "LibxlFm?"} {
		got, _, err := restore(t, []byte(unknown))
		wantRule(t, unknown, err, "TR-96", frame.ErrCorrupt)
		if len(got) != 0 {
			t.Errorf("%q: %d bytes came out", unknown, len(got))
		}
		got, info, err := restore(t, []byte(unknown), WithForce())
		if err != nil || string(got) != unknown || info.Kind != Raw || info.Payload != zst.PayloadOpaque {
			t.Errorf("%q forced: %q, %+v, %v", unknown, got, info, err)
		}
	}
}

// Even forced, no input at all is a dead producer's.
//
// Proves: TR-62
func TestEmptyInput(t *testing.T) {
	for _, opts := range [][]RestoreOption{nil, {WithForce()}} {
		_, _, err := restore(t, nil, opts...)
		wantRule(t, "empty", err, "TR-62", io.ErrUnexpectedEOF)
	}
}

func TestRestorerSteadyState(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, payload := range payloads(300 * testChunk) {
		rs := newTestRestorer(t, bytes.NewReader(compress(t, payload)))
		p := make([]byte, testChunk)
		io.ReadFull(rs, p)
		n := testing.AllocsPerRun(200, func() { io.ReadFull(rs, p) })
		if n != 0 {
			t.Errorf("%s: %v allocations per frame, want 0", name, n)
		}
		rs.Close()
	}
}

func TestNoGoroutineStays(t *testing.T) {
	before := runtime.NumGoroutine()
	long := payloads(2*DefaultChunk + 1)["words"]
	for _, stream := range [][]byte{compress(t, long), streamed(t, long), streamed(t, long)[:DefaultChunk/4]} {
		rs := newTestRestorer(t, bytes.NewReader(stream))
		io.CopyN(io.Discard, rs, testChunk)
		rs.Close()
		noGoroutinesLeft(t, before)
	}
}
