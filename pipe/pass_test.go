package pipe

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

func verifyWalker(t testing.TB) *xen.Walker {
	t.Helper()
	w, err := xen.New(xen.WithStrictness(xen.Verify))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// throughPipes passes a stream from a pipe to a pipe, where the system may splice.
func throughPipes(t testing.TB, stream []byte) ([]byte, error) {
	t.Helper()
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	drain, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer drain.Close()
	go func() {
		feed.Write(stream)
		feed.Close()
	}()
	done := make(chan error)
	go func() {
		n, err := Pass(context.Background(), out, in, verifyWalker(t))
		out.Close()
		if n < 0 {
			t.Errorf("%d bytes", n)
		}
		done <- err
	}()
	got, err := io.ReadAll(drain)
	if err != nil {
		t.Fatal(err)
	}
	in.Close() // so that the feeder ends too
	return got, <-done
}

// What is good passes as it is, in whatever pieces it comes, and by splice.
func TestPass(t *testing.T) {
	for _, s := range vectest.Streams(t) {
		for name, r := range map[string]io.Reader{
			"at once":   bytes.NewReader(s.Bytes),
			"by halves": iotest.HalfReader(bytes.NewReader(s.Bytes)),
			"data+EOF":  iotest.DataErrReader(bytes.NewReader(s.Bytes)),
		} {
			var got bytes.Buffer
			n, err := Pass(t.Context(), &got, r, verifyWalker(t))
			if err != nil || n != int64(len(s.Bytes)) || !bytes.Equal(got.Bytes(), s.Bytes) {
				t.Errorf("%s, %s: %d of %d bytes, %v", s.Name, name, n, len(s.Bytes), err)
			}
		}
		if got, err := throughPipes(t, s.Bytes); err != nil || !bytes.Equal(got, s.Bytes) {
			t.Errorf("%s, through pipes: %d of %d bytes, %v", s.Name, len(got), len(s.Bytes), err)
		}
	}
}

// Nothing passes from libxc's END on unless all is good, and nothing bad passes.
func TestPassEndsAtWhatIsBad(t *testing.T) {
	good := hvmStream(t)
	end, complete := pointsOf(t, good)
	libxlEnd := bytes.Clone(good)
	binary.LittleEndian.PutUint32(libxlEnd[complete-8:], 0x77)
	early := bytes.Clone(good)
	early[40] = 1 // a reserved flag of xl's header
	for _, c := range []struct {
		name   string
		stream []byte
		most   int
		rule   frame.Rule
	}{
		{"libxl END of another type", libxlEnd, end, "XS-34"},
		{"cut in front of libxl END", good[:complete-8], end, "XS-3"},
		{"cut inside the emulator's state", good[:complete-100_000], end, "XS-3"},
		{"cut inside libxc END", good[:end+4], end, "XS-3"},
		{"cut inside a page", good[:end/2], end / 2, "XS-3"},
		{"reserved flag", early, 0, ""},
		{"no stream", []byte("something else"), 0, "XS-2"},
		{"nothing", nil, 0, ""},
	} {
		var got bytes.Buffer
		_, err := Pass(t.Context(), &got, bytes.NewReader(c.stream), verifyWalker(t))
		piped, pipedErr := throughPipes(t, c.stream)
		for way, bad := range map[string]bool{
			"copied": err == nil || got.Len() > c.most || !bytes.HasPrefix(c.stream, got.Bytes()),
			"piped":  pipedErr == nil || len(piped) > c.most || !bytes.HasPrefix(c.stream, piped),
		} {
			if bad {
				t.Errorf("%s, %s: %d and %d bytes, at most %d; %v, %v", c.name, way, got.Len(), len(piped), c.most, err, pipedErr)
			}
		}
		var e *frame.Error
		if !errors.As(err, &e) || c.rule != "" && e.Rule != c.rule {
			t.Errorf("%s: %v, want rule %s", c.name, err, c.rule)
		}
	}
}

// What the message of a migration needs: once the stream is complete, all passes
// at once.
func TestPassIsTransparentBehindTheStream(t *testing.T) {
	r, w := io.Pipe()
	from, to := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := Pass(context.Background(), to, r, verifyWalker(t))
		to.Close()
		done <- err
	}()
	stream := hvmStream(t)
	go w.Write(stream)
	got := make([]byte, len(stream))
	if _, err := io.ReadFull(from, got); err != nil || !bytes.Equal(got, stream) {
		t.Fatalf("the stream: %v", err)
	}
	const message = "domain is yours, you are cleared to unpause\x00"
	for i := range message {
		go w.Write([]byte{message[i]})
		if _, err := io.ReadFull(from, got[:1]); err != nil || got[0] != message[i] {
			t.Fatalf("byte %d: %q, %v", i, got[0], err)
		}
	}
	w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What is held back has a limit, since whoever makes the stream decides how much it is.
func TestPassHoldsBackNoMoreThanItsLimit(t *testing.T) {
	good := hvmStream(t)
	end, _ := pointsOf(t, good)
	stream := bytes.Clone(good[:end+8])
	state := libxl.Emulator{ID: libxl.EmulatorQEMU}.Append(nil)
	stream = libxl.AppendRecord(stream, libxl.EmulatorContext, append(state, make([]byte, passLimit)...))
	var got bytes.Buffer
	n, err := Pass(t.Context(), &got, bytes.NewReader(stream), verifyWalker(t))
	if !errors.Is(err, frame.ErrTooLarge) || n != int64(end) || got.Len() != end {
		t.Errorf("%d bytes passed, END is at %d; %v", got.Len(), end, err)
	}
}

// Errors of either side, and the context's, end it and are told as they are.
func TestPassErrors(t *testing.T) {
	good := hvmStream(t)
	end, _ := pointsOf(t, good)
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errSource)
	errFull := errors.New("full")
	all := func() io.Reader { return bytes.NewReader(good) }
	fails := func(at int) io.Reader {
		return io.MultiReader(bytes.NewReader(good[:at]), iotest.ErrReader(errSource))
	}
	for _, c := range []struct {
		name string
		ctx  context.Context
		dst  io.Writer
		src  io.Reader
		want error
		most int // that may have passed
	}{
		{"stopped", stopped, io.Discard, all(), errSource, 0},
		{"source fails", t.Context(), io.Discard, fails(5000), errSource, 5000},
		{"source fails inside what is held back", t.Context(), io.Discard, fails(len(good) - 5), errSource, end},
		{"destination fails at once", t.Context(), &limited{0, errFull}, all(), errFull, 0},
		{"destination fails", t.Context(), &limited{100, errFull}, all(), errFull, 100},
		{"destination fails at the end", t.Context(), &limited{end, errFull}, all(), errFull, end},
		{"destination is short", t.Context(), &limited{100, nil}, all(), io.ErrShortWrite, 100},
	} {
		if n, err := Pass(c.ctx, c.dst, c.src, verifyWalker(t)); !errors.Is(err, c.want) || n > int64(c.most) {
			t.Errorf("%s: %d bytes, at most %d; %v", c.name, n, c.most, err)
		}
	}
}
