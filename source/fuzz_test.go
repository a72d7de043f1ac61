package source_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/sink"
	"github.com/ctxpipe/ctxpipe/source"
)

// addVectors seeds with every small vector, good or bad.
func addVectors(f *testing.F, add func(b []byte)) {
	for _, s := range vectest.Sets(f) {
		for _, v := range s.Vectors {
			if v.Size < 8192 {
				add(v.Bytes(f))
			}
		}
	}
}

// steps of a driven Reader; each byte of a program is one.
const (
	readLittle = iota
	readMuch
	readExtended
	view
	writeTo
	endStrict
	endIgnore
	nextTooEarly
	useStale
	stepKinds
)

// Whatever the bytes and whatever the calls, a Reader ends, does not panic,
// gives of each body just the bytes that stand there, takes nothing behind
// END, and keeps to its first error.
func FuzzReader(f *testing.F) {
	addVectors(f, func(b []byte) {
		f.Add(b, []byte{readLittle, endIgnore, view, endStrict, writeTo, endStrict, readMuch, endIgnore})
		f.Add(b, []byte{readExtended, endStrict})
	})
	f.Add([]byte{1, 0, 0, 0}, []byte{useStale, nextTooEarly})
	f.Fuzz(func(t *testing.T, b, program []byte) {
		for _, opts := range [][]source.Option{nil, {source.WithMarks()}} {
			in := bytes.NewReader(b)
			d := driven{t: t, in: b, r: newReader(t, in, opts...), program: program}
			err := d.run()
			if _, again := d.r.Next(); again != err {
				t.Errorf("%v does not stick: %v", err, again)
			}
			taken := int64(len(b) - in.Len())
			if at := d.r.Consumed(); at > taken || err == io.EOF && at != taken {
				t.Errorf("consumed %d of %d bytes that were taken, %v", at, taken, err)
			}
			checkKind(t, err)
		}
	})
}

// checkKind demands that an error is of one of the documented kinds.
func checkKind(t *testing.T, err error) {
	t.Helper()
	for _, s := range []error{
		io.EOF, io.ErrUnexpectedEOF, frame.ErrCorrupt, frame.ErrTooLarge, frame.ErrSecondHeader, frame.ErrUnsupported, frame.ErrMisuse,
	} {
		if errors.Is(err, s) {
			return
		}
	}
	t.Errorf("an error of no kind: %v", err)
}

// driven is a Reader that a program calls.
type driven struct {
	t       *testing.T
	in      []byte
	r       *source.Reader
	program []byte
	stale   source.Entry
}

// step takes the next step of the program; when it is over, entries are ended.
func (d *driven) step() int {
	if len(d.program) == 0 {
		return endIgnore
	}
	s := int(d.program[0]) % stepKinds
	d.program = d.program[1:]
	return s
}

// run goes on until the Reader gives an error, which it returns. It ends since
// every entry takes bytes, and a program is finite.
func (d *driven) run() error {
	for {
		e, err := d.r.Next()
		if err != nil {
			return err
		}
		if err := d.entry(e); err != nil {
			_, err := d.r.Next()
			return err
		}
		d.stale = e
	}
}

// entry makes steps until the entry is ended or the Reader failed.
func (d *driven) entry(e source.Entry) error {
	h, err := d.r.Header()
	if err != nil {
		return err
	}
	body := int(e.Offset()) + h.Layout.DescriptorSize()
	for {
		at := body + int(e.Length-e.Left())
		switch d.step() {
		case readLittle:
			err = d.got(at)(read(e, 3))
		case readMuch:
			err = d.got(at)(read(e, 40_000))
		case readExtended:
			p := make([]byte, 100)
			var n int
			n, err = e.ReadZeroExtended(p)
			err = d.got(at)(p[:n], err)
			if err == nil && !frame.IsZero(p[n:]) {
				d.t.Error("not extended by zeros")
			}
		case view:
			if err = d.got(at)(e.View()); errors.Is(err, frame.ErrTooLarge) {
				err = nil
			}
		case writeTo:
			var b bytes.Buffer
			_, err = e.WriteTo(&b)
			err = d.got(at)(b.Bytes(), err)
		case endStrict:
			return e.End(source.EndStrict)
		case endIgnore:
			return e.End(source.EndIgnore)
		case nextTooEarly:
			_, err = d.r.Next()
		case useStale:
			err = d.stale.End(source.EndIgnore)
			if err == nil {
				d.t.Error("a stale entry was ended")
			}
			if d.stale == (source.Entry{}) {
				err = nil // no Reader knows of it
			}
		}
		if err != nil {
			return err
		}
	}
}

func read(e source.Entry, n int) ([]byte, error) {
	p := make([]byte, n)
	n, err := e.Read(p)
	if err == io.EOF {
		err = nil
	}
	return p[:n], err
}

// got demands that bytes of a body are those that stand at that offset.
func (d *driven) got(at int) func([]byte, error) error {
	return func(b []byte, err error) error {
		if at+len(b) > len(d.in) || !bytes.Equal(b, d.in[at:at+len(b)]) {
			d.t.Errorf("%d bytes at offset %d are not what stands there", len(b), at)
		}
		return err
	}
}

// What Verify accepts is what a writer of the same entries writes, and what a
// loader accepts.
func FuzzVerify(f *testing.F) {
	addVectors(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		report, err := source.Verify(bytes.NewReader(b))
		if err != nil {
			checkKind(t, err)
			return
		}
		if report.Bytes != int64(len(b)) {
			t.Errorf("accepted %d of %d bytes", report.Bytes, len(b))
		}
		if again := resave(t, b, report.Header); !bytes.Equal(again, b) {
			t.Errorf("% x\nwas accepted, its entries are written as\n% x", b, again)
		}
	})
}

// resave reads all entries and writes them again.
func resave(t *testing.T, b []byte, h frame.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sink.NewStaged(&out, sink.WithLayout(h.Layout), sink.WithXen(h.Xen))
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range newReader(t, bytes.NewReader(b)).All() {
		if err != nil {
			t.Fatalf("a loader refuses it: %v", err)
		}
		body, err := io.ReadAll(e)
		if err != nil {
			t.Fatalf("a loader refuses it: %v", err)
		}
		if err := w.Entry(e.Type, e.Instance, body); err != nil {
			t.Fatalf("a writer refuses it: %v", err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
