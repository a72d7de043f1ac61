package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

// Load never takes the good end of a context for its own result once something
// has failed: io.EOF from it would be read as success.
func TestLoadDoesNotHideFailureBehindTheEnd(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(8)})
		r := newReader(t, bytes.NewReader(b))
		var g source.Registry
		err := g.Register(5, "FIVE", func(e source.Entry) error {
			_ = e.End(source.EndIgnore)
			_, _ = r.Next() // not its business, and gives io.EOF
			return errBoom
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Load(t.Context(), nil, r); !errors.Is(err, errBoom) || errors.Is(err, io.EOF) {
			t.Errorf("%v: %v", l, err)
		}

		r = newReader(t, bytes.NewReader(b))
		if err := walk(r); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Load(ctx, nil, r); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, cancelled behind END: %v", l, err)
		}
	}
}

// What a handler says and what the Reader said both come out, with the name of
// the handler, and stick.
func TestHandlersWordsAreKept(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(100_000)})
		for name, load := range map[string]source.LoadFunc{
			"wraps both": func(e source.Entry) error {
				_, err := io.Copy(io.Discard, e)
				return fmt.Errorf("mine: %w: %w", err, errBoom)
			},
			"its own": func(e source.Entry) error { _, _ = io.Copy(io.Discard, e); return errBoom },
			"hides":   func(e source.Entry) error { _, _ = io.Copy(io.Discard, e); return nil },
		} {
			r := newReader(t, bytes.NewReader(b[:len(b)/2]))
			var g source.Registry
			if err := g.Register(5, "FIVE", load); err != nil {
				t.Fatal(err)
			}
			err := g.Load(t.Context(), nil, r)
			if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errBoom) != (name != "hides") || !strings.Contains(err.Error(), "load type 5 FIVE") {
				t.Errorf("%v, %s: %v", l, name, err)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("%v, %s: then %v", l, name, again)
			}
		}
	}
}

func TestReportOfABadContextCountsWhatWasPassed(t *testing.T) {
	for n, want := range map[int]int{0: 0, 20: 0, 24: 1} {
		b := make1(t, frame.Compact, item{5, 0, pattern(8)})
		if rep, err := source.Verify(bytes.NewReader(b[:n])); err == nil || rep.Entries != want {
			t.Errorf("cut at %d: %+v, %v", n, rep, err)
		}
	}
}

func TestLimitsThatAdmitNothingAreRefused(t *testing.T) {
	for name, o := range map[string]source.Option{"entry": source.WithMaxEntry(15), "total": source.WithMaxTotal(31)} {
		if _, err := source.NewReader(bytes.NewReader(nil), o); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var g source.Registry
	if err := g.CheckThenLoad(t.Context(), nil, nil); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("no source: %v", err)
	}
}
