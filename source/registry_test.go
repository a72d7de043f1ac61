package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

// domain is a guest that notes what happens to it.
type domain struct {
	current          bool
	pauseErr, endErr error
	paused, pauses   int
}

func (d *domain) Current() bool { return d.current }
func (d *domain) Pause() error {
	if d.pauseErr == nil {
		d.paused++
		d.pauses++
	}
	return d.pauseErr
}
func (d *domain) Unpause() error { d.paused--; return d.endErr }

// loader is a registry whose handlers note what they were given, and do to
// each entry what its type is told to.
type loader struct {
	source.Registry
	calls []string
	dom   domain
}

func newLoader(t *testing.T, does map[frame.Type]source.LoadFunc) *loader {
	t.Helper()
	l := new(loader)
	for typ, do := range does {
		load := func(e source.Entry) error {
			if l.dom.paused != 1 {
				t.Errorf("type %d is loaded while the domain runs", e.Type)
			}
			l.calls = append(l.calls, fmt.Sprintf("%d/%d", e.Type, e.Instance))
			return do(e)
		}
		if err := l.Register(typ, "name of "+fmt.Sprint(typ), load); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func (l *loader) check(t *testing.T, calls ...string) {
	t.Helper()
	if diff := cmp.Diff(calls, l.calls); diff != "" {
		t.Errorf("handlers (-want +got):\n%s", diff)
	}
	if l.dom.paused != 0 {
		t.Error("the pause was not released")
	}
}

// both loads b in both ways.
func both(t *testing.T, b []byte, f func(t *testing.T, load func(l *loader, opts ...source.Option) error)) {
	t.Helper()
	t.Run("Load", func(t *testing.T) {
		f(t, func(l *loader, opts ...source.Option) error {
			r := newReader(t, bytes.NewReader(b), opts...)
			return l.Load(t.Context(), &l.dom, r)
		})
	})
	t.Run("CheckThenLoad", func(t *testing.T) {
		f(t, func(l *loader, opts ...source.Option) error {
			return l.CheckThenLoad(t.Context(), &l.dom, bytes.NewReader(b), opts...)
		})
	})
}

func ended(e source.Entry) error { return e.End(source.EndIgnore) }

// Handlers run in the order of the stream, which need not be that of the
// types, and see every repeat.
func TestLoadInTheOrderOfTheStream(t *testing.T) {
	for _, l := range layouts {
		entry := func(typ, instance uint32) []byte { return wire(l, typ, instance, 0) }
		b := join(t, l, entry(7, 1), entry(5, 3), entry(5, 2), entry(9, 0), entry(5, 3), last(l))
		both(t, b, func(t *testing.T, load func(*loader, ...source.Option) error) {
			got := newLoader(t, map[frame.Type]source.LoadFunc{5: ended, 7: ended, 9: ended, 11: ended})
			if err := load(got); err != nil {
				t.Error(err)
			}
			got.check(t, "7/1", "5/3", "5/2", "9/0", "5/3")
			if got.dom.pauses != 1 {
				t.Errorf("paused %d times", got.dom.pauses)
			}
		})
	}
}

// A domain is not needed, nor is any handler for an empty context.
func TestLoadWithoutDomain(t *testing.T) {
	for _, l := range layouts {
		var g source.Registry
		r := newReader(t, bytes.NewReader(join(t, l, last(l))))
		if err := g.Load(t.Context(), nil, r); err != nil || r.Consumed() != int64(frame.HeaderSize+l.DescriptorSize()) {
			t.Errorf("%v: %d bytes, %v", l, r.Consumed(), err)
		}
	}
}

// Proves: DC-30.
func TestRegister(t *testing.T) {
	var g source.Registry
	if err := g.Register(5, "five", ended); err != nil {
		t.Fatal(err)
	}
	for typ, load := range map[frame.Type]source.LoadFunc{0: ended, 1: nil, 5: ended} {
		if err := g.Register(typ, "mine", load); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("type %d: %v", typ, err)
		}
	}
}

// What nobody knows is told from what is known and has no handler: by its
// registration, or by having a name in the specification.
//
// Proves: DC-43.
func TestNoHandler(t *testing.T) {
	for _, l := range layouts {
		for _, c := range []struct {
			typ      uint32
			sentinel error
			not      error
		}{
			{2, frame.ErrNoHandler, frame.ErrUnknownType},
			{3, frame.ErrNoHandler, frame.ErrUnknownType},
			{8, frame.ErrNoHandler, frame.ErrUnknownType}, // registered below, with no handler
			{4, frame.ErrUnknownType, frame.ErrNoHandler},
			{0xffff, frame.ErrUnknownType, frame.ErrNoHandler},
		} {
			b := join(t, l, wire(l, 5, 0, 0), wire(l, c.typ, 6, 0), last(l))
			both(t, b, func(t *testing.T, load func(*loader, ...source.Option) error) {
				got := newLoader(t, map[frame.Type]source.LoadFunc{5: ended})
				if err := got.Register(8, "eight", nil); err != nil {
					t.Fatal(err)
				}
				err := load(got)
				e := wantError(t, err, c.sentinel, "DC-43")
				if errors.Is(err, c.not) || e.Index != 2 || !strings.Contains(e.Record, fmt.Sprintf("type %d ", c.typ)) {
					t.Errorf("%v type %d: %v", l, c.typ, err)
				}
				if got.dom.paused != 0 {
					t.Error("the pause was not released")
				}
			})
		}
	}
}

// Proves: DC-42.
func TestLoadSecondHeader(t *testing.T) {
	for _, l := range layouts {
		b := join(t, l, wire(l, 5, 0, 0), first(t, l), last(l))
		both(t, b, func(t *testing.T, load func(*loader, ...source.Option) error) {
			got := newLoader(t, map[frame.Type]source.LoadFunc{5: ended})
			err := load(got)
			wantError(t, err, frame.ErrSecondHeader, "DC-42")
			if errors.Is(err, frame.ErrUnknownType) || errors.Is(err, frame.ErrNoHandler) || errors.Is(err, frame.ErrCorrupt) {
				t.Errorf("%v: the error is of another kind too: %v", l, err)
			}
			if got.dom.paused != 0 {
				t.Error("the pause was not released")
			}
		})
	}
}

// What goes wrong in a handler is its own error, and says whose it is. What
// ran before has run, what comes behind does not.
//
// Proves: DC-2, DC-46.
func TestHandlersThatFail(t *testing.T) {
	var kept source.Entry
	for name, c := range map[string]struct {
		do   source.LoadFunc
		want error
	}{
		"error":                   {func(source.Entry) error { return errBoom }, errBoom},
		"error behind End":        {func(e source.Entry) error { _ = e.End(source.EndIgnore); return errBoom }, errBoom},
		"left open":               {func(source.Entry) error { return nil }, frame.ErrMisuse},
		"left open, all read":     {func(e source.Entry) error { _, err := e.View(); return err }, frame.ErrMisuse},
		"read behind End":         {func(e source.Entry) error { _ = ended(e); _, _ = e.Read(make([]byte, 1)); return nil }, frame.ErrMisuse},
		"ended twice":             {func(e source.Entry) error { _ = ended(e); _ = ended(e); return nil }, frame.ErrMisuse},
		"another entry":           {func(e source.Entry) error { _ = ended(kept); return ended(e) }, frame.ErrMisuse},
		"hides what it left":      {func(e source.Entry) error { _ = e.End(source.EndStrict); return nil }, frame.ErrCorrupt},
		"io.EOF":                  {func(source.Entry) error { return io.EOF }, io.EOF},
		"io.EOF, entry was ended": {func(e source.Entry) error { _ = ended(e); return io.EOF }, io.EOF},
	} {
		for _, l := range layouts {
			b := make1(t, l, item{5, 0, pattern(8)}, item{6, 0, pattern(16)}, item{7, 0, nil})
			t.Run(l.String()+", "+name, func(t *testing.T) {
				both(t, b, func(t *testing.T, load func(*loader, ...source.Option) error) {
					got := newLoader(t, map[frame.Type]source.LoadFunc{
						5: func(e source.Entry) error { kept = e; return ended(e) }, 6: c.do, 7: ended,
					})
					err := load(got)
					if !errors.Is(err, c.want) {
						t.Errorf("got %v, want %v", err, c.want)
					}
					// An error that the Reader had first is reported as it was.
					of := strings.HasPrefix(name, "error") || strings.HasPrefix(name, "left open") || strings.HasPrefix(name, "io.EOF")
					if msg := fmt.Sprint(err); of && (!strings.Contains(msg, "type 6") || !strings.Contains(msg, "name of 6")) {
						t.Errorf("%v does not say whose it is", err)
					}
					got.check(t, "5/0", "6/0")
				})
			})
		}
	}
}

// A handler of the last entry that uses it after END has nothing to spoil, but
// one that leaves it open is found.
//
// Proves: DC-46.
func TestLastHandlerLeavesItsEntryOpen(t *testing.T) {
	for _, l := range layouts {
		both(t, make1(t, l, item{5, 0, pattern(8)}), func(t *testing.T, load func(*loader, ...source.Option) error) {
			got := newLoader(t, map[frame.Type]source.LoadFunc{5: func(source.Entry) error { return nil }})
			if err := load(got); !errors.Is(err, frame.ErrMisuse) {
				t.Errorf("%v: %v", l, err)
			}
			got.check(t, "5/0")
		})
	}
}

// A handler that panics is a bug, but no reason for the domain to stay paused.
//
// Proves: DC-2.
func TestPanicReleasesThePause(t *testing.T) {
	got := newLoader(t, map[frame.Type]source.LoadFunc{5: func(source.Entry) error { panic("bug") }})
	r := newReader(t, bytes.NewReader(make1(t, frame.Compact, item{5, 0, nil})))
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
		got.check(t, "5/0")
	}()
	_ = got.Load(t.Context(), &got.dom, r)
}

// Wherever a context is cut and whatever the source does, the pause is
// released; a domain is not stopped for a header that is bad.
//
// Proves: DC-2.
func TestPauseIsReleasedOnEveryPath(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 9, pattern(13)}, item{6, 8, pattern(8)})
		for n := range len(b) + 1 {
			for _, err := range []error{io.EOF, errBoom} {
				got := newLoader(t, map[frame.Type]source.LoadFunc{5: ended, 6: ended})
				loadErr := got.Load(t.Context(), &got.dom, newReader(t, &failing{b[:n], err, false}))
				if (loadErr == nil) != (n == len(b)) || got.dom.paused != 0 {
					t.Errorf("%v, %v at %d of %d: %v, paused %d", l, err, n, len(b), loadErr, got.dom.paused)
				}
				if want := map[bool]int{false: 0, true: 1}[n >= frame.HeaderSize]; got.dom.pauses != want {
					t.Errorf("%v, %v at %d: paused %d times, want %d", l, err, n, got.dom.pauses, want)
				}
			}
		}
	}
}

// Proves: DC-2, DC-3.
func TestDomainThatCannotBeHeld(t *testing.T) {
	for _, l := range layouts {
		both(t, make1(t, l, item{5, 0, nil}), func(t *testing.T, load func(*loader, ...source.Option) error) {
			does := map[frame.Type]source.LoadFunc{5: ended}
			got := newLoader(t, does)
			got.dom.current = true
			if err := load(got); !errors.Is(err, frame.ErrMisuse) || got.dom.pauses != 0 {
				t.Errorf("own domain: %v, paused %d times", err, got.dom.pauses)
			}
			got.check(t)

			got = newLoader(t, does)
			got.dom.pauseErr = errBoom
			if err := load(got); !errors.Is(err, errBoom) {
				t.Errorf("cannot be paused: %v", err)
			}
			got.check(t)

			got = newLoader(t, does)
			got.dom.endErr = errBoom
			if err := load(got); !errors.Is(err, errBoom) {
				t.Errorf("cannot be released: %v", err)
			}
			got.check(t, "5/0")
		})
	}
}

// A context that is done stops the load between entries.
//
// Proves: DC-2.
func TestCancel(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(8)}, item{6, 0, pattern(8)})
		for at, want := range [][]string{nil, {"5/0"}} {
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := func() { cancel(errBoom) }
			if at == 0 {
				stop()
			}
			does := map[frame.Type]source.LoadFunc{5: func(e source.Entry) error { stop(); return ended(e) }, 6: ended}
			got := newLoader(t, does)
			err := got.Load(ctx, &got.dom, newReader(t, bytes.NewReader(b)))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v, stopped at %d: %v", l, at, err)
			}
			got.check(t, want...)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		got := newLoader(t, map[frame.Type]source.LoadFunc{5: ended, 6: ended})
		if err := got.CheckThenLoad(ctx, &got.dom, bytes.NewReader(b)); !errors.Is(err, context.Canceled) || got.dom.pauses != 0 {
			t.Errorf("%v, checking: %v, paused %d times", l, err, got.dom.pauses)
		}
		got.check(t)
	}
}

// Marks are for the reader's owner; a registry loads past them.
func TestLoadWithMarks(t *testing.T) {
	for _, l := range layouts {
		both(t, make1(t, l, item{5, 0, pattern(8)}), func(t *testing.T, load func(*loader, ...source.Option) error) {
			got := newLoader(t, map[frame.Type]source.LoadFunc{5: ended})
			if err := load(got, source.WithMarks()); err != nil {
				t.Errorf("%v: %v", l, err)
			}
			got.check(t, "5/0")
		})
	}
}

// The context begins where the input stands, and the input is left behind END.
//
// Proves: DC-47, DC-48.
func TestCheckThenLoadFromTheMiddle(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(13)}, item{6, 0, pattern(100_000)})
		in := bytes.NewReader(append(append([]byte("something else"), b...), tail...))
		if _, err := in.Seek(int64(len("something else")), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		got := newLoader(t, map[frame.Type]source.LoadFunc{5: ended, 6: func(e source.Entry) error {
			if _, err := e.WriteTo(&body); err != nil {
				return err
			}
			return e.End(source.EndStrict)
		}})
		if err := got.CheckThenLoad(t.Context(), &got.dom, in); err != nil {
			t.Fatalf("%v: %v", l, err)
		}
		got.check(t, "5/0", "6/0")
		if rest, _ := io.ReadAll(in); !bytes.Equal(rest, tail) || !bytes.Equal(body.Bytes()[:100_000], pattern(100_000)) {
			t.Errorf("%v: %q is left, %d bytes were loaded", l, rest, body.Len())
		}
	}
}

// Whatever is wrong anywhere in a context, no handler of it runs and the
// domain is never paused.
//
// Proves: DC-43, DC-48.
func TestCheckComesBeforeTheFirstHandler(t *testing.T) {
	does := map[frame.Type]source.LoadFunc{5: ended, 6: ended}
	for _, l := range layouts {
		good := make1(t, l, item{5, 0, pattern(13)}, item{6, 0, pattern(8)})
		end := len(good) - l.DescriptorSize()
		bads := map[string][]byte{
			"unknown type":  append(bytes.Clone(good[:end]), append(wire(l, 9, 0, 0), last(l)...)...),
			"no handler":    append(bytes.Clone(good[:end]), append(wire(l, 0xff, 0, 0), last(l)...)...),
			"second header": append(bytes.Clone(good[:end]), first(t, l)...),
			"instance":      append(bytes.Clone(good[:end]), wire(l, 0, 1, 0)...),
			"length":        append(bytes.Clone(good[:end]), wire(l, 6, 1, l.Unfinished())...),
		}
		for n := range good {
			bads[fmt.Sprintf("cut at %d", n)] = good[:n]
		}
		if l == frame.Wide {
			bads["padding"] = change(good, frame.HeaderSize+16+15, 1)
		}
		for name, b := range bads {
			got := newLoader(t, does)
			if err := got.Register(0xff, "no handler", nil); err != nil {
				t.Fatal(err)
			}
			if err := got.CheckThenLoad(t.Context(), &got.dom, bytes.NewReader(b)); err == nil {
				t.Errorf("%v, %s: loaded", l, name)
			}
			got.check(t)
			if got.dom.pauses != 0 {
				t.Errorf("%v, %s: paused %d times", l, name, got.dom.pauses)
			}
		}
	}
}

// seeker is an input whose k-th Seek fails.
type seeker struct {
	*bytes.Reader
	k int
}

func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	if s.k--; s.k < 0 {
		return 0, errBoom
	}
	return s.Reader.Seek(offset, whence)
}

func TestCheckThenLoadWithoutSeek(t *testing.T) {
	for k := range 2 {
		got := newLoader(t, map[frame.Type]source.LoadFunc{5: ended})
		in := &seeker{bytes.NewReader(make1(t, frame.Wide, item{5, 0, nil})), k}
		if err := got.CheckThenLoad(t.Context(), &got.dom, in); !errors.Is(err, errBoom) || got.dom.pauses != 0 {
			t.Errorf("seek %d: %v, paused %d times", k, err, got.dom.pauses)
		}
		got.check(t)
	}
}

// changing is an input that is another one when it is read again.
type changing struct {
	*bytes.Reader
	second []byte
}

func (c *changing) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		c.Reset(c.second)
	}
	return c.Reader.Seek(offset, whence)
}

// The check is not trusted while loading: what changed meanwhile is judged as
// if there had been none.
func TestInputChangesAfterTheCheck(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(8)}, item{5, 1, pattern(8)})
		got := newLoader(t, map[frame.Type]source.LoadFunc{5: ended})
		err := got.CheckThenLoad(t.Context(), &got.dom, &changing{bytes.NewReader(b), b[:len(b)-1]})
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v: %v", l, err)
		}
		got.check(t, "5/0", "5/1")
	}
}
