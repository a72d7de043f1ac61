package source_test

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

// tail follows a context and belongs to somebody else.
var tail = []byte("what follows belongs to somebody else")

// tight gives the bytes of a context, and fails the test if it is asked for
// more: a pipe would block there for ever.
type tight struct {
	tb testing.TB
	r  *bytes.Reader
}

func (x tight) Read(p []byte) (int, error) {
	if x.r.Len() == 0 {
		x.tb.Error("asked for more than the context has")
		return 0, io.EOF
	}
	if len(p) == 0 {
		x.tb.Error("asked for nothing")
	}
	return x.r.Read(p)
}

// readers are ways in which a source can hand out its bytes.
var readers = map[string]func(io.Reader) io.Reader{
	"whole":      func(r io.Reader) io.Reader { return r },
	"one byte":   iotest.OneByteReader,
	"half":       iotest.HalfReader,
	"data, EOF":  iotest.DataErrReader,
	"no WriteTo": func(r io.Reader) io.Reader { return struct{ io.Reader }{r} },
}

// What follows END is still in the source.
//
// Proves: DC-47.
func TestWhatFollowsStays(t *testing.T) {
	for _, s := range samples(t) {
		for how, wrap := range readers {
			if how == "data, EOF" {
				continue // it reads ahead itself
			}
			in := bytes.NewReader(append(bytes.Clone(s.bytes), tail...))
			r := newReader(t, wrap(in))
			for _, err := range r.All() {
				if err != nil {
					t.Fatalf("%s, %s: %v", s.name, how, err)
				}
			}
			rest, _ := io.ReadAll(in)
			if !bytes.Equal(rest, tail) || r.Consumed() != int64(len(s.bytes)) {
				t.Errorf("%s, %s: consumed %d of %d, %q is left", s.name, how, r.Consumed(), len(s.bytes), rest)
			}
		}
	}
}

// Nothing is asked for once the last byte of END is there, whichever way the
// entries are read.
//
// Proves: DC-47.
func TestNothingIsAskedForBehindEnd(t *testing.T) {
	ways := map[string]func(e source.Entry) error{
		"not at all": func(e source.Entry) error { return nil },
		"Read":       func(e source.Entry) error { _, err := io.Copy(io.Discard, struct{ io.Reader }{e}); return err },
		"View":       func(e source.Entry) error { _, err := e.View(); return err },
		"WriteTo":    func(e source.Entry) error { _, err := e.WriteTo(io.Discard); return err },
		"large Read": func(e source.Entry) error {
			_, err := io.ReadFull(e, make([]byte, e.Left()))
			return err
		},
	}
	large := func(l frame.Layout) sample {
		return sample{l.String() + "/large", l, make1(t, l, item{5, 0, pattern(40_001)}, item{5, 1, pattern(64<<10 - 1)})}
	}
	for _, s := range append(samples(t), large(frame.Compact), large(frame.Wide)) {
		for way, read := range ways {
			for how, wrap := range readers {
				if how == "data, EOF" || how == "one byte" && len(s.bytes) > 8192 {
					continue
				}
				r := newReader(t, wrap(tight{t, bytes.NewReader(s.bytes)}), source.WithMarks())
				for e, err := range r.All() {
					if err == nil {
						err = read(e)
					}
					if err != nil {
						t.Fatalf("%s, %s, %s: %v", s.name, way, how, err)
					}
				}
				if r.Consumed() != int64(len(s.bytes)) {
					t.Errorf("%s, %s, %s: consumed %d of %d", s.name, way, how, r.Consumed(), len(s.bytes))
				}
			}
		}
	}
}

// Two contexts back to back, of any two layouts, are read by two Readers.
//
// Proves: DC-47.
func TestBackToBack(t *testing.T) {
	for _, a := range layouts {
		for _, b := range layouts {
			one, two := make1(t, a, item{5, 1, pattern(13)}), make1(t, b, item{6, 2, pattern(100_003)})
			for how, wrap := range readers {
				in := wrap(io.MultiReader(bytes.NewReader(one), bytes.NewReader(two)))
				for i, want := range [][]byte{one, two} {
					r := newReader(t, in)
					if err := walk(r); err != nil || r.Consumed() != int64(len(want)) {
						t.Errorf("%v %v, %s, context %d: %d of %d bytes, %v", a, b, how, i, r.Consumed(), len(want), err)
					}
				}
			}
		}
	}
}

// Who sends entry by entry and waits until each was dealt with is not waited
// for in turn: an entry can be read and ended before the next descriptor is on
// its way.
func TestEntryByEntryThroughAPipe(t *testing.T) {
	for _, s := range samples(t) {
		in, out := io.Pipe()
		done := make(chan struct{})
		at := split(t, s.bytes)
		go func() {
			for i := range at[1:] {
				if _, err := out.Write(s.bytes[at[i]:at[i+1]]); err != nil {
					return // the loop below has told why
				}
				<-done
			}
			// The pipe stays open: a Reader that waits for its end would hang.
		}()
		r := newReader(t, in)
		if _, err := r.Header(); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		done <- struct{}{}
		for e, err := range r.All() {
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			if _, err := e.WriteTo(io.Discard); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			if err := e.End(source.EndStrict); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			done <- struct{}{}
		}
		done <- struct{}{}
		if r.Consumed() != int64(len(s.bytes)) {
			t.Errorf("%s: consumed %d of %d", s.name, r.Consumed(), len(s.bytes))
		}
	}
}

// Read gives what there is instead of waiting for all that was asked for.
func TestReadDoesNotWaitForMore(t *testing.T) {
	for _, l := range layouts {
		for _, size := range []int{16, 40_000} { // through the buffer, and past it
			body := pattern(size)
			all := make1(t, l, item{5, 0, body})
			head := frame.HeaderSize + l.DescriptorSize()
			in, out := io.Pipe()
			sent, got := make(chan int), make(chan struct{})
			go func() {
				_, _ = out.Write(all[:head])
				for _, piece := range [][]byte{all[head : head+5], all[head+5 : head+size/2], all[head+size/2:]} {
					go func() { sent <- len(piece) }()
					_, _ = out.Write(piece)
					<-got
				}
			}()
			r := newReader(t, in)
			e := next(t, r)
			var have []byte
			for len(have) < size {
				want := min(<-sent, size-len(have))
				for want > 0 {
					p := make([]byte, size)
					n, err := e.Read(p)
					if err != nil || n == 0 {
						t.Fatalf("%v: %d, %v", l, n, err)
					}
					have, want = append(have, p[:n]...), want-n
				}
				if len(have) < size {
					got <- struct{}{}
				}
			}
			if !bytes.Equal(have, body) {
				t.Errorf("%v: read other bytes", l)
			}
			_ = in.Close() // lets the sender go
		}
	}
}
