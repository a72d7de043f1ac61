package source_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

// Bodies come out as they went in whatever the size of the pieces: those that
// go through the buffer, those that go past it, and changes between the two.
func TestReadInPieces(t *testing.T) {
	for _, l := range layouts {
		for _, size := range []int{0, 1, 8, 4096, 64<<10 - 1, 64 << 10, 200_000} {
			stored := pattern(size)
			if l == frame.Compact {
				stored = append(stored, make([]byte, frame.Padding(uint64(size)))...)
			}
			for _, piece := range []int{1, 7, 64<<10/2 - 1, 64 << 10 / 2, 64 << 10, 1 << 20} {
				if piece < 8 && size > 70_000 {
					continue
				}
				for how, wrap := range readers {
					if how == "one byte" && size > 5000 {
						continue
					}
					b := make1(t, l, item{9, 3, pattern(size)}, item{9, 4, pattern(5)})
					r := newReader(t, wrap(bytes.NewReader(b)))
					e := next(t, r)
					name := fmt.Sprintf("%v, %d bytes, pieces of %d, %s", l, size, piece, how)
					checkPieces(t, name, e, piece, stored)
					if err := e.End(source.EndStrict); err != nil {
						t.Errorf("%s: %v", name, err)
					}
					if err := walk(r); err != nil || r.Consumed() != int64(len(b)) {
						t.Errorf("%s: the rest: %d bytes, %v", name, r.Consumed(), err)
					}
				}
			}
		}
	}
}

func checkPieces(t *testing.T, name string, e source.Entry, piece int, want []byte) {
	t.Helper()
	p := make([]byte, piece)
	for at := 0; at < len(want); {
		if e.Left() != uint64(len(want)-at) {
			t.Fatalf("%s: %d bytes left at %d of %d", name, e.Left(), at, len(want))
		}
		n, err := e.Read(p)
		if err != nil || n == 0 || !bytes.Equal(p[:n], want[at:at+n]) {
			t.Fatalf("%s: wrong bytes at %d: %d, %v", name, at, n, err)
		}
		at += n
	}
	for range 2 {
		if n, err := e.Read(p); n != 0 || err != io.EOF {
			t.Errorf("%s: at the end: %d, %v", name, n, err)
		}
	}
}

// An entry's body is a reader as the standard library wants it.
func TestEntryIsAReader(t *testing.T) {
	for _, l := range layouts {
		for _, size := range []int{0, 8, 1 << 10, 100_000} {
			_, e := entryOf(t, l, pattern(size))
			if err := iotest.TestReader(struct{ io.Reader }{e}, pattern(size)); err != nil {
				t.Errorf("%v, %d bytes: %v", l, size, err)
			}
			if err := e.End(source.EndStrict); err != nil {
				t.Errorf("%v, %d bytes: %v", l, size, err)
			}
		}
	}
}

// Reading nothing is neither an error nor a read of the source.
func TestReadNothing(t *testing.T) {
	for _, l := range layouts {
		_, e := entryOf(t, l, pattern(8))
		if n, err := e.Read(nil); n != 0 || err != nil || e.Left() != 8 {
			t.Errorf("%v: %d, %v", l, n, err)
		}
		if n, err := e.ReadZeroExtended(nil); n != 0 || err != nil || e.Left() != 8 {
			t.Errorf("%v: %d, %v", l, n, err)
		}
	}
}

// In the compact layout an old body, which is shorter, reads on as zeros; in
// the wide one it is refused, with nothing read.
//
// Proves: DC-45.
func TestReadZeroExtended(t *testing.T) {
	const size = 24
	for _, l := range layouts {
		for _, c := range []struct{ before, ask, want int }{
			{0, 0, 0}, {0, 10, 10}, {0, size, size}, {0, size + 1, size}, {0, 100_000, size},
			{5, size - 5, size - 5}, {5, size, size - 5}, {size, 0, 0}, {size, 1, 0},
		} {
			t.Run(fmt.Sprintf("%v, %d after %d", l, c.ask, c.before), func(t *testing.T) {
				r, e := entryOf(t, l, pattern(size))
				if _, err := io.ReadFull(e, make([]byte, c.before)); err != nil {
					t.Fatal(err)
				}
				p := bytes.Repeat([]byte{0xaa}, c.ask)
				n, err := e.ReadZeroExtended(p)
				if l == frame.Wide && c.ask > size-c.before {
					got := wantError(t, err, frame.ErrCorrupt, "DC-45")
					if n != 0 || got.Index != 1 || got.Offset != frame.HeaderSize {
						t.Errorf("%d, %v", n, err)
					}
					if _, again := r.Next(); again != err {
						t.Errorf("the error does not stick: %v", again)
					}
					return
				}
				want := append(pattern(size)[c.before:][:c.want], make([]byte, c.ask-c.want)...)
				if n != c.want || err != nil || !bytes.Equal(p, want) || e.Left() != uint64(size-c.before-c.want) {
					t.Errorf("%d, %v, %d left", n, err, e.Left())
				}
			})
		}
	}
}

func TestView(t *testing.T) {
	const most = 64 << 10
	for _, l := range layouts {
		for _, size := range []int{0, 1, 24, most - 8, most} {
			r, e := entryOf(t, l, pattern(size))
			b, err := e.View()
			if err != nil || !bytes.Equal(b[:size], pattern(size)) || !frame.IsZero(b[size:]) || e.Left() != 0 {
				t.Fatalf("%v, %d bytes: %d, %v", l, size, len(b), err)
			}
			if b, err := e.View(); len(b) != 0 || err != nil {
				t.Errorf("%v, %d bytes, again: %d, %v", l, size, len(b), err)
			}
			if err := e.End(source.EndStrict); err != nil {
				t.Error(err)
			}
			if err := walk(r); err != nil {
				t.Error(err)
			}
		}
	}
}

// A body too large to be viewed is refused, and can still be read; the rest of
// it can be viewed once it is small enough.
func TestViewTooLarge(t *testing.T) {
	const most = 64 << 10
	for _, l := range layouts {
		body := pattern(most + 8)
		r, e := entryOf(t, l, body)
		if b, err := e.View(); b != nil {
			t.Errorf("%v: %d bytes", l, len(b))
		} else {
			wantError(t, err, frame.ErrTooLarge, "DC-41")
		}
		p := make([]byte, 8)
		if _, err := io.ReadFull(e, p); err != nil || !bytes.Equal(p, body[:8]) {
			t.Fatalf("%v: the error stuck: %v", l, err)
		}
		if b, err := e.View(); err != nil || !bytes.Equal(b, body[8:]) {
			t.Errorf("%v: %d bytes, %v", l, len(b), err)
		}
		if err := e.End(source.EndStrict); err != nil {
			t.Error(err)
		}
		if err := walk(r); err != nil {
			t.Error(err)
		}
	}
}

// What View shows must not let its owner append into the bytes that follow.
func TestViewHasNoRoomBehind(t *testing.T) {
	for _, l := range layouts {
		r := newReader(t, bytes.NewReader(make1(t, l, item{5, 0, pattern(16)}, item{6, 0, pattern(16)})))
		e := next(t, r)
		b, err := e.View()
		if err != nil || cap(b) != len(b) {
			t.Fatalf("%v: length %d, capacity %d, %v", l, len(b), cap(b), err)
		}
	}
}

func TestWriteTo(t *testing.T) {
	for _, l := range layouts {
		for _, size := range []int{0, 1, 24, 64<<10 - 1, 64 << 10, 64<<10 + 1, 300_000} {
			_, e := entryOf(t, l, pattern(size))
			want := append(pattern(size), make([]byte, int(e.Length)-size)...)
			var head [3]byte
			n, err := e.Read(head[:])
			if err != nil && err != io.EOF {
				t.Fatal(err)
			}
			var b bytes.Buffer
			m, err := io.Copy(&b, e)
			if err != nil || int(m) != len(want)-n || !bytes.Equal(b.Bytes(), want[n:]) || e.Left() != 0 {
				t.Errorf("%v, %d bytes: %d, %v", l, size, m, err)
			}
			if err := e.End(source.EndStrict); err != nil {
				t.Error(err)
			}
		}
	}
}

// bad is a writer that takes n bytes of each write and returns err.
type bad struct {
	n    int
	err  error
	took []byte
}

func (w *bad) Write(p []byte) (int, error) {
	n := min(w.n, len(p))
	w.took = append(w.took, p[:n]...)
	return n, w.err
}

// A writer that fails is the caller's affair: the bytes it took are read, and
// the Reader goes on behind them.
func TestWriteToBadWriter(t *testing.T) {
	body := pattern(100_000)
	for _, l := range layouts {
		for name, w := range map[string]*bad{
			"short": {n: 5}, "nothing": {n: 0}, "fails": {n: 7, err: errBoom}, "fails at once": {err: errBoom},
		} {
			want := w.err
			if want == nil {
				want = io.ErrShortWrite
			}
			r, e := entryOf(t, l, body)
			n, err := e.WriteTo(w)
			if !errors.Is(err, want) || n != int64(w.n) || e.Left() != uint64(len(body)-w.n) {
				t.Errorf("%v, %s: %d, %v, %d left", l, name, n, err, e.Left())
			}
			var rest bytes.Buffer
			if _, err := e.WriteTo(&rest); err != nil || !bytes.Equal(append(w.took, rest.Bytes()...), body) {
				t.Errorf("%v, %s: the rest: %d bytes, %v", l, name, rest.Len(), err)
			}
			if err := e.End(source.EndStrict); err != nil {
				t.Error(err)
			}
			if err := walk(r); err != nil {
				t.Error(err)
			}
		}
	}
}

// What a handler leaves must be what may be padding: zeros in the compact
// layout, nothing in the wide one; unless the handler says it does not care.
// Padding behind a wide body is checked in either case.
//
// Proves: DC-6, DC-13, DC-44.
func TestEndJudgesWhatIsLeft(t *testing.T) {
	zeros := make([]byte, 100_000)
	late := bytes.Clone(zeros)
	late[len(late)-1] = 1
	for _, c := range []struct {
		name          string
		body          []byte
		read          int
		compact, wide frame.Rule // what EndStrict says, empty if all is well
		padding       byte       // added to the last byte of the padding
		wideI         frame.Rule // what EndIgnore says
	}{
		{name: "empty"},
		{name: "all read", body: pattern(24), read: 24},
		{name: "all read, padded", body: pattern(13), read: 13},
		{name: "zeros left", body: append(pattern(8), 0, 0), read: 8, wide: "DC-44"},
		{name: "one zero left", body: append(pattern(8), 0), read: 8, wide: "DC-44"},
		{name: "only padding left", body: pattern(9), read: 9},
		{name: "one byte left", body: pattern(9), read: 8, compact: "DC-44", wide: "DC-44"},
		{name: "all left", body: pattern(16), compact: "DC-44", wide: "DC-44"},
		{name: "many zeros left", body: zeros, wide: "DC-44"},
		{name: "the last of many is not zero", body: late, compact: "DC-44", wide: "DC-44"},
		{name: "bad padding", body: pattern(13), read: 13, padding: 1, compact: "DC-44", wide: "DC-13", wideI: "DC-13"},
		{name: "bad padding, nothing read", body: pattern(15), padding: 0x80, compact: "DC-44", wide: "DC-44", wideI: "DC-13"},
	} {
		for _, l := range layouts {
			b := make1(t, l, item{9, 3, c.body}, item{10, 0, pattern(3)})
			end := frame.HeaderSize + l.DescriptorSize() + len(c.body) + frame.Padding(uint64(len(c.body)))
			b[end-1] += c.padding
			strict, ignore := c.compact, frame.Rule("")
			if l == frame.Wide {
				strict, ignore = c.wide, c.wideI
			}
			for mode, want := range map[source.EndMode]frame.Rule{source.EndStrict: strict, source.EndIgnore: ignore} {
				t.Run(fmt.Sprintf("%v, %s, mode %d", l, c.name, mode), func(t *testing.T) {
					r := newReader(t, bytes.NewReader(b))
					e := next(t, r)
					if _, err := io.ReadFull(e, make([]byte, c.read)); err != nil {
						t.Fatal(err)
					}
					checkEnd(t, r, e, mode, want, int64(end))
				})
			}
		}
	}
}

// checkEnd ends e and demands the rule, or that the Reader stands behind e.
func checkEnd(t *testing.T, r *source.Reader, e source.Entry, mode source.EndMode, want frame.Rule, end int64) {
	t.Helper()
	err := e.End(mode)
	if want != "" {
		got := wantError(t, err, frame.ErrCorrupt, want)
		if got.Index != 1 || got.Offset != frame.HeaderSize || got.Record != "type 9 instance 3" {
			t.Errorf("wrong place in %v", err)
		}
		if _, again := r.Next(); again != err {
			t.Errorf("the error does not stick: %v", again)
		}
		return
	}
	if err != nil || r.Consumed() != end {
		t.Fatalf("%v, consumed %d, want %d", err, r.Consumed(), end)
	}
	if e := next(t, r); e.Type != 10 {
		t.Errorf("the next entry is %+v", e.Descriptor)
	}
}

// The padding is as long as the length says, also if the handler has read all,
// something, or nothing.
//
// Proves: DC-13.
func TestPaddingFollowsTheLength(t *testing.T) {
	for n := range 18 {
		for read := range n + 1 {
			b := make1(t, frame.Wide, item{9, 3, pattern(n)}, item{10, 0, nil})
			r := newReader(t, bytes.NewReader(b))
			e := next(t, r)
			if _, err := io.ReadFull(e, make([]byte, read)); err != nil {
				t.Fatal(err)
			}
			checkEnd(t, r, e, source.EndIgnore, "", int64(frame.HeaderSize+16+(n+7)/8*8))
		}
	}
}

func TestEntryKnowsItsPlace(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 9, pattern(13)}, item{6, 8, pattern(8)})
		at := split(t, b)
		for marks, opts := range map[bool][]source.Option{true: {source.WithMarks()}, false: nil} {
			index := 0
			if !marks {
				index = 1
			}
			for e, err := range newReader(t, bytes.NewReader(b), opts...).All() {
				if err != nil {
					t.Fatal(err)
				}
				want := frame.DecodeDescriptor(b[at[index]:], l)
				if e.Index() != index || e.Offset() != int64(at[index]) || e.Left() != e.Length || e.Descriptor != want {
					t.Errorf("%v: entry %d at %d with %d left, %+v; want %d at %d, %+v", l, e.Index(), e.Offset(), e.Left(), e.Descriptor, index, at[index], want)
				}
				if err := e.End(source.EndIgnore); err != nil {
					t.Fatal(err)
				}
				if e.Index() != index || e.Offset() != 0 || e.Left() != 0 {
					t.Errorf("%v: an ended entry is %d at %d with %d left", l, e.Index(), e.Offset(), e.Left())
				}
				index++
			}
		}
	}
}

// uses are all the calls that an Entry has.
var uses = map[string]func(e source.Entry) error{
	"Read":             func(e source.Entry) error { _, err := e.Read(make([]byte, 1)); return err },
	"ReadZeroExtended": func(e source.Entry) error { _, err := e.ReadZeroExtended(make([]byte, 1)); return err },
	"View":             func(e source.Entry) error { _, err := e.View(); return err },
	"WriteTo":          func(e source.Entry) error { _, err := e.WriteTo(io.Discard); return err },
	"End":              func(e source.Entry) error { return e.End(source.EndIgnore) },
}

// An entry that was ended moves nothing any more, neither between entries nor
// inside the next one, and whoever uses it is told for good.
//
// Proves: DC-46.
func TestStaleEntry(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(16)}, item{5, 1, pattern(16)})
		for name, use := range uses {
			for inside, before := range map[bool]func(r *source.Reader){false: func(*source.Reader) {}, true: func(r *source.Reader) { next(t, r) }} {
				r := newReader(t, bytes.NewReader(b))
				stale := next(t, r)
				if err := stale.End(source.EndIgnore); err != nil {
					t.Fatal(err)
				}
				before(r)
				at := r.Consumed()
				err := use(stale)
				if !errors.Is(err, frame.ErrMisuse) || r.Consumed() != at {
					t.Errorf("%v, %s, inside the next %v: %v, moved by %d", l, name, inside, err, r.Consumed()-at)
				}
				if _, again := r.Next(); again != err {
					t.Errorf("%v, %s, inside the next %v: does not stick: %v", l, name, inside, again)
				}
			}
		}
	}
}

// Behind END there is nothing to spoil: the end stays the end, but the use of
// an entry is a slip all the same.
//
// Proves: DC-46.
func TestStaleEntryBehindEnd(t *testing.T) {
	for _, l := range layouts {
		for name, use := range uses {
			r, e := entryOf(t, l, pattern(8))
			if err := e.End(source.EndIgnore); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Next(); err != io.EOF {
				t.Fatal(err)
			}
			if err := use(e); !errors.Is(err, frame.ErrMisuse) {
				t.Errorf("%v, %s: %v", l, name, err)
			}
		}
	}
}

// Proves: DC-46.
func TestNextBeforeEnd(t *testing.T) {
	for _, l := range layouts {
		for _, read := range []int{0, 16} { // also where nothing of the body is left
			r, e := entryOf(t, l, pattern(16))
			if _, err := io.ReadFull(e, make([]byte, read)); err != nil {
				t.Fatal(err)
			}
			_, err := r.Next()
			if !errors.Is(err, frame.ErrMisuse) {
				t.Fatalf("%v: %v", l, err)
			}
			for name, use := range uses {
				if again := use(e); again != err {
					t.Errorf("%v, %s: does not stick: %v", l, name, again)
				}
			}
			if _, again := r.Next(); again != err {
				t.Errorf("%v: does not stick: %v", l, again)
			}
		}
	}
}

// Proves: DC-46.
func TestZeroEntry(t *testing.T) {
	for name, use := range uses {
		if err := use(source.Entry{}); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var e source.Entry
	if e.Offset() != 0 || e.Left() != 0 || e.Index() != 0 {
		t.Errorf("%+v", e)
	}
}
