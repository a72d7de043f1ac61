package source_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

// With marks, the entries are all the bytes there are: written again one after
// the other they make the context.
func TestMarksGiveEveryByte(t *testing.T) {
	for _, s := range samples(t) {
		r := newReader(t, bytes.NewReader(s.bytes), source.WithMarks())
		var got bytes.Buffer
		var types []frame.Type
		for e, err := range r.All() {
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			types = append(types, e.Type)
			b, err := e.Append(nil, s.layout)
			if err != nil {
				t.Fatal(err)
			}
			got.Write(b)
			if _, err := e.WriteTo(&got); err != nil {
				t.Fatal(err)
			}
			got.Write(make([]byte, s.layout.PaddingAfter(e.Length)))
		}
		if !bytes.Equal(got.Bytes(), s.bytes) {
			t.Errorf("%s: other bytes", s.name)
		}
		if types[0] != frame.Start || types[len(types)-1] != frame.End {
			t.Errorf("%s: types %v", s.name, types)
		}
	}
}

// Marks are ended as other entries are, and are held to the same rules.
func TestMarksCanBeEnded(t *testing.T) {
	for _, l := range layouts {
		r := newReader(t, bytes.NewReader(join(t, l, last(l))), source.WithMarks())
		head := next(t, r)
		if b, err := head.View(); err != nil || !bytes.Equal(b, first(t, l)[l.DescriptorSize():]) {
			t.Errorf("%v: % x, %v", l, b, err)
		}
		if err := head.End(source.EndStrict); err != nil {
			t.Fatal(err)
		}
		end := next(t, r)
		if end.Type != frame.End || end.Length != 0 || end.Index() != 1 {
			t.Errorf("%v: %+v", l, end)
		}
		if err := end.End(source.EndStrict); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := r.Next(); err != io.EOF {
				t.Errorf("%v: %v", l, err)
			}
		}
	}
	// Also with the zeros that the compact layout allows.
	b := join(t, frame.Compact, wire(frame.Compact, 0, 0, 16), make([]byte, 16))
	if err := walk(newReader(t, bytes.NewReader(b), source.WithMarks())); err != nil {
		t.Error(err)
	}
	b[len(b)-1] = 1
	wantError(t, walk(newReader(t, bytes.NewReader(b), source.WithMarks())), frame.ErrCorrupt, "DC-12")
}

func TestHeader(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(8)})
		want := frame.Header{Layout: l, Xen: xen415}
		r := newReader(t, bytes.NewReader(b))
		for range 2 { // reads only once
			if got, err := r.Header(); err != nil || got != want {
				t.Fatalf("%v: %+v, %v", l, got, err)
			}
		}
		next(t, r)
		if got, err := r.Header(); err != nil || got != want {
			t.Errorf("%v, inside an entry: %+v, %v", l, got, err)
		}
		r = newReader(t, bytes.NewReader(b[:frame.HeaderSize+1]))
		_ = walk(r)
		if got, err := r.Header(); err != nil || got != want {
			t.Errorf("%v, a later error took the header away: %+v, %v", l, got, err)
		}
		// A header that is bad stays bad, for Next too.
		r = newReader(t, bytes.NewReader(b[:frame.HeaderSize-1]))
		got, err := r.Header()
		if wantError(t, err, io.ErrUnexpectedEOF, "DC-40"); got != (frame.Header{}) {
			t.Errorf("%v: %+v", l, got)
		}
		if _, again := r.Next(); again != err {
			t.Errorf("%v: does not stick: %v", l, again)
		}
		if _, again := r.Header(); again != err {
			t.Errorf("%v: does not stick: %v", l, again)
		}
	}
}

// All ends what the loop leaves open, and gives an error last.
func TestAll(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(13)}, item{5, 1, nil}, item{7, 0, pattern(100_000)})
		for name, body := range map[string]func(e source.Entry) error{
			"left alone": func(source.Entry) error { return nil },
			"ended":      func(e source.Entry) error { return e.End(source.EndIgnore) },
			"begun":      func(e source.Entry) error { _, err := e.ReadZeroExtended(make([]byte, min(3, e.Left()))); return err },
		} {
			r := newReader(t, bytes.NewReader(b))
			var got []frame.Type
			for e, err := range r.All() {
				if err == nil {
					err = body(e)
				}
				if err != nil {
					t.Fatalf("%v, %s: %v", l, name, err)
				}
				got = append(got, e.Type)
			}
			if diff := cmp.Diff([]frame.Type{5, 5, 7}, got); diff != "" || r.Consumed() != int64(len(b)) {
				t.Errorf("%v, %s: %d bytes (-want +got):\n%s", l, name, r.Consumed(), diff)
			}
			for range r.All() {
				t.Errorf("%v, %s: there is more behind END", l, name)
			}
		}
	}
}

func TestAllGivesTheErrorLast(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(13)}, item{6, 0, pattern(16)})
		var errs []error
		r := newReader(t, bytes.NewReader(b[:len(b)-l.DescriptorSize()-1]))
		for e, err := range r.All() {
			errs = append(errs, err)
			if err != nil && e != (source.Entry{}) {
				t.Errorf("%v: an entry with the error", l)
			}
		}
		if len(errs) != 3 || errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], io.ErrUnexpectedEOF) {
			t.Errorf("%v: %v", l, errs)
		}
		// Ending for the loop can fail as well: that is the next round's.
		b = join(t, frame.Wide, wire(frame.Wide, 5, 0, 3), []byte{1, 2, 3, 4, 0, 0, 0, 0}, last(frame.Wide))
		errs = nil
		for _, err := range newReader(t, bytes.NewReader(b)).All() {
			errs = append(errs, err)
		}
		if len(errs) != 2 || errs[0] != nil {
			t.Fatalf("%v", errs)
		}
		wantError(t, errs[1], frame.ErrCorrupt, "DC-13")
	}
}

// Proves: DC-46.
func TestAllAfterBreak(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(8)}, item{6, 0, pattern(8)})
		for _, end := range []bool{false, true} {
			r := newReader(t, bytes.NewReader(b))
			for e, err := range r.All() {
				if err != nil {
					t.Fatal(err)
				}
				if end {
					err = e.End(source.EndIgnore)
				}
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			e, err := r.Next()
			if !end && !errors.Is(err, frame.ErrMisuse) || end && (err != nil || e.Type != 6) {
				t.Errorf("%v, ended %v: %+v, %v", l, end, e.Descriptor, err)
			}
		}
	}
}

// failing gives b and then fails, with the last bytes or behind them. It fails
// once only: then comes the end.
type failing struct {
	b    []byte
	err  error
	with bool
}

func (f *failing) Read(p []byte) (int, error) {
	n := copy(p, f.b)
	f.b = f.b[n:]
	if len(f.b) == 0 && (n == 0 || f.with) {
		err := f.err
		f.err = io.EOF
		return n, err
	}
	return n, nil
}

// ways are the ways to go through a context.
var ways = map[string]func(r *source.Reader) error{
	"WriteTo": walk,
	"not at all": func(r *source.Reader) error {
		for _, err := range r.All() {
			if err != nil {
				return err
			}
		}
		return nil
	},
	"View": func(r *source.Reader) error {
		return eachEntry(r, func(e source.Entry) error { _, err := e.View(); return err })
	},
	"zero-extended": func(r *source.Reader) error {
		return eachEntry(r, func(e source.Entry) error { _, err := e.ReadZeroExtended(make([]byte, e.Length)); return err })
	},
	"large Read": func(r *source.Reader) error {
		return eachEntry(r, func(e source.Entry) error {
			p := make([]byte, 64<<10)
			for {
				if _, err := e.Read(p); err == io.EOF {
					return nil
				} else if err != nil {
					return err
				}
			}
		})
	},
}

func eachEntry(r *source.Reader, f func(e source.Entry) error) error {
	for e, err := range r.All() {
		if err == nil {
			err = f(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// An error of the source is neither the end of the context nor its success,
// wherever it strikes and whether bytes come with it or not.
func TestErrorOfTheSource(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 9, pattern(13)}, item{6, 0, nil}, item{6, 8, pattern(24)})
		for n := range len(b) + 1 {
			for _, with := range []bool{false, true} {
				for way, through := range ways {
					r := newReader(t, &failing{b[:n], errBoom, with})
					err := through(r)
					name := fmt.Sprintf("%v, failing at %d of %d, with bytes %v, %s", l, n, len(b), with, way)
					if n == len(b) { // the context is whole, and what is behind is not ours
						if err != nil {
							t.Errorf("%s: %v", name, err)
						}
						continue
					}
					if !errors.Is(err, errBoom) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
						t.Errorf("%s: %v", name, err)
					}
					if _, again := r.Next(); again != err {
						t.Errorf("%s: does not stick: %v", name, again)
					}
				}
			}
		}
	}
}

// An error of the source in a body that is read past the buffer.
func TestErrorOfTheSourceInALargeBody(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(200_000)})
		for _, n := range []int{30, 40_000, 100_000, len(b) - l.DescriptorSize() - 1} {
			for _, with := range []bool{false, true} {
				for way, through := range ways {
					if way == "View" {
						continue
					}
					if err := through(newReader(t, &failing{b[:n], errBoom, with})); !errors.Is(err, errBoom) {
						t.Errorf("%v, failing at %d, with bytes %v, %s: %v", l, n, with, way, err)
					}
				}
			}
		}
	}
}

// A body cut short is never a short read that looks like its end.
//
// Proves: DC-40.
func TestCutInALargeBody(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(200_000)})
		for _, n := range []int{40, 40_000, 100_000, len(b) - l.DescriptorSize() - 1} {
			for way, through := range ways {
				if way == "View" {
					continue
				}
				r := newReader(t, bytes.NewReader(b[:n]))
				if e := wantError(t, through(r), io.ErrUnexpectedEOF, "DC-40"); e.Index != 1 || e.Offset != frame.HeaderSize {
					t.Errorf("%v, cut at %d, %s: %v", l, n, way, e)
				}
			}
		}
	}
}

// idle gives nothing, for ever, once its bytes are used up.
type idle struct{ b []byte }

func (i *idle) Read(p []byte) (int, error) {
	n := copy(p, i.b)
	i.b = i.b[n:]
	return n, nil
}

func TestIdleSourceIsGivenUp(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 9, pattern(13)})
		for n := range b {
			for way, through := range ways {
				if err := through(newReader(t, &idle{b[:n]})); !errors.Is(err, io.ErrNoProgress) {
					t.Errorf("%v, idle at %d, %s: %v", l, n, way, err)
				}
			}
		}
		if err := walk(newReader(t, &idle{b})); err != nil {
			t.Errorf("%v: idle behind END: %v", l, err)
		}
	}
}

// A read that times out is an error like others; there is no second try.
func TestTimeoutSticks(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 9, pattern(13)})
		r := newReader(t, iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(b))))
		err := walk(r)
		if !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("%v: %v", l, err)
		}
		if _, again := r.Next(); again != err {
			t.Errorf("%v: does not stick: %v", l, again)
		}
	}
}
