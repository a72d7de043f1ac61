package source_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

func TestVerifyReports(t *testing.T) {
	for _, l := range layouts {
		for n := range 4 {
			var items []item
			for i := range n {
				items = append(items, item{5, uint32(i), pattern(i * 50_000)})
			}
			b := make1(t, l, items...)
			for _, opts := range [][]source.Option{nil, {source.WithMarks()}, {source.CheckBodies()}} {
				want := source.Report{Header: frame.Header{Layout: l, Xen: xen415}, Entries: n + 2, Bytes: int64(len(b))}
				if got, err := source.Verify(bytes.NewReader(b), opts...); err != nil || got != want {
					t.Errorf("%v: %+v, %v, want %+v", l, got, err, want)
				}
			}
		}
	}
}

// Up to the first error the report tells what was read.
func TestVerifyReportsUpToTheError(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(16)}, item{6, 0, nil})
		at := split(t, b)
		got, err := source.Verify(bytes.NewReader(b[:at[2]]))
		wantError(t, err, io.ErrUnexpectedEOF, "DC-40")
		if got.Header.Layout != l || got.Header.Xen != xen415 || got.Bytes != int64(at[2]) {
			t.Errorf("%v: %+v", l, got)
		}
	}
}

// Bodies are looked into only on demand.
//
// Proves: DC-70, DC-71, DC-72, DC-73, DC-74, DC-75.
func TestCheckBodies(t *testing.T) {
	tsc := frame.TSCInfo{Mode: 1, KHz: 2_000_000, Incarnation: 3, Nanoseconds: 4}
	wrongMode := frame.TSCInfo{Mode: 3}
	info := func(l frame.Layout, flags byte, size int) []byte {
		if l == frame.Wide {
			return append([]byte{flags, 0, 0, 0}, make([]byte, size)...)
		}
		return append([]byte{flags, 0, 0, 0, byte(size), byte(size >> 8), 0, 0}, make([]byte, size)...)
	}
	for _, l := range layouts {
		size := map[frame.Layout]frame.Rule{frame.Compact: "DC-72", frame.Wide: "DC-73"}[l]
		for _, c := range []struct {
			name  string
			items []item
			rule  frame.Rule
		}{
			{"good", []item{{2, 0, info(l, 0, frame.SharedInfo64)}, {3, 0, tsc.Append(nil, l)}, {4, 0, pattern(5)}}, ""},
			{"Arm", []item{{2, 0, info(l, 0, frame.SharedInfoArm)}}, ""},
			{"instance of SHARED_INFO", []item{{2, 1, info(l, 0, frame.SharedInfo64)}}, "DC-70"},
			{"instance of TSC_INFO", []item{{3, 1, tsc.Append(nil, l)}}, "DC-70"},
			{"flags", []item{{2, 0, info(l, 2, frame.SharedInfo64)}}, "DC-71"},
			{"size", []item{{2, 0, info(l, 0, frame.SharedInfo64-8)}}, size},
			{"empty", []item{{2, 0, nil}}, size},
			{"far too large", []item{{2, 0, info(l, 0, 100_000)}}, size},
			{"length of TSC_INFO", []item{{3, 0, make([]byte, 32)}}, "DC-74"},
			{"mode", []item{{3, 0, wrongMode.Append(nil, l)}}, "DC-75"},
		} {
			t.Run(l.String()+", "+c.name, func(t *testing.T) {
				b := make1(t, l, c.items...)
				if _, err := source.Verify(bytes.NewReader(b)); err != nil {
					t.Errorf("not asked to look: %v", err)
				}
				for how, wrap := range readers {
					_, err := source.Verify(wrap(bytes.NewReader(b)), source.CheckBodies())
					if c.rule == "" {
						if err != nil {
							t.Errorf("%s: %v", how, err)
						}
						continue
					}
					if e := wantError(t, err, frame.ErrCorrupt, c.rule); e.Offset != frame.HeaderSize || e.Index != 1 {
						t.Errorf("%s: wrong place in %v", how, err)
					}
				}
			})
		}
	}
}

// A cut in a body that is being looked into is a cut, not a bad body.
//
// Proves: DC-40.
func TestCheckBodiesOfACutContext(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{3, 0, frame.TSCInfo{}.Append(nil, l)})
		for n := range b {
			if _, err := source.Verify(bytes.NewReader(b[:n]), source.CheckBodies()); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v, cut at %d: %v", l, n, err)
			}
		}
	}
}

// Proves: DC-65.
func TestVerifyNothingFollows(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(13)})
		for name, more := range map[string][]byte{"zero": {0}, "text": tail, "a context": b} {
			for how, wrap := range readers {
				_, err := source.Verify(wrap(bytes.NewReader(append(bytes.Clone(b), more...))))
				if e := wantError(t, err, frame.ErrCorrupt, "DC-65"); e.Offset != int64(len(b)) {
					t.Errorf("%v, %s, %s: %v", l, name, how, err)
				}
			}
		}
	}
}

// Behind END the source has to end: an error there is not the end, for what
// follows cannot be known.
func TestVerifyErrorBehindEnd(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(13)})
		for name, c := range map[string]struct {
			r    io.Reader
			want error
		}{
			"error":            {&failing{b, errBoom, false}, errBoom},
			"error with END":   {&failing{b, errBoom, true}, errBoom},
			"io.ErrUnexpected": {&failing{b, io.ErrUnexpectedEOF, false}, io.ErrUnexpectedEOF},
			"neither":          {&idle{b}, io.ErrNoProgress},
		} {
			t.Run(l.String()+", "+name, func(t *testing.T) {
				_, err := source.Verify(c.r)
				if !errors.Is(err, c.want) || errors.Is(err, io.EOF) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			})
		}
	}
}

// Verify honours the limits as a Reader does.
//
// Proves: DC-41.
func TestVerifyLimits(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(64)}, item{5, 1, nil})
		for name, o := range map[string]source.Option{
			"entry": source.WithMaxEntry(63), "entries": source.WithMaxEntries(3), "total": source.WithMaxTotal(int64(len(b) - 1)),
		} {
			if _, err := source.Verify(bytes.NewReader(b), o); !errors.Is(err, frame.ErrTooLarge) {
				t.Errorf("%v, %s: %v", l, name, err)
			}
		}
	}
}
