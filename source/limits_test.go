package source_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

// Each limit admits what is exactly as large, and refuses one more.
//
// Proves: DC-41.
func TestLimits(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 0, pattern(40)}, item{6, 0, pattern(64)})
		for name, most := range map[string]func(by int) source.Option{
			"entry":   func(by int) source.Option { return source.WithMaxEntry(uint64(64 + by)) },
			"entries": func(by int) source.Option { return source.WithMaxEntries(4 + by) },
			"total":   func(by int) source.Option { return source.WithMaxTotal(int64(len(b) + by)) },
		} {
			t.Run(l.String()+", "+name, func(t *testing.T) {
				wantError(t, walk(newReader(t, bytes.NewReader(b), most(-1))), frame.ErrTooLarge, "DC-41")
				if err := walk(newReader(t, bytes.NewReader(b), most(0))); err != nil {
					t.Errorf("exactly: %v", err)
				}
			})
		}
	}
}

// What a descriptor claims is refused at the descriptor: nothing behind it is
// asked for, though the source has more.
//
// Proves: DC-41.
func TestNothingIsReadOnAccountOfALengthOverTheLimit(t *testing.T) {
	for _, l := range layouts {
		for name, length := range map[string]uint64{
			"one more than allowed": source.DefaultMaxEntry + 1,
			"largest":               l.MaxBody(),
			"beyond the largest":    l.MaxBody() + 1,
			"unfinished mark":       l.Unfinished(),
		} {
			for _, marks := range []bool{false, true} {
				head := join(t, l, wire(l, 5, 0, length))
				in := bytes.NewReader(append(head, make([]byte, 100)...))
				var opts []source.Option
				if marks {
					opts = append(opts, source.WithMarks())
				}
				err := walk(newReader(t, in, opts...))
				e := wantError(t, err, frame.ErrTooLarge, "DC-41")
				if mark := e.Got == "the unfinished mark"; mark != (length == l.Unfinished()) {
					t.Errorf("%v, %s: %v", l, name, err)
				}
				if e.Offset != frame.HeaderSize || e.Index != 1 || e.Record != "type 5 instance 0" {
					t.Errorf("%v, %s: wrong place in %v", l, name, err)
				}
				if in.Len() != 100 {
					t.Errorf("%v, %s: %d bytes behind the descriptor were read", l, name, 100-in.Len())
				}
			}
		}
	}
}

// HEADER, START and END have a limit of their own, whatever the caller's is.
//
// Proves: DC-41.
func TestLimitOfMarks(t *testing.T) {
	const most = 64 << 10
	head := func(n int) []byte {
		return append(append(wire(frame.Compact, 1, 0, uint64(n)), first(t, frame.Compact)[8:]...), make([]byte, n-16)...)
	}
	end := func(n int) []byte { return append(wire(frame.Compact, 0, 0, uint64(n)), make([]byte, n)...) }
	for _, opts := range [][]source.Option{nil, {source.WithMarks()}} {
		for name, b := range map[string][]byte{
			"HEADER": append(head(most), last(frame.Compact)...),
			"END":    join(t, frame.Compact, end(most)),
		} {
			if err := walk(newReader(t, bytes.NewReader(b), opts...)); err != nil {
				t.Errorf("%s of 64 KiB: %v", name, err)
			}
		}
		for _, b := range [][]byte{append(head(most+1), last(frame.Compact)...), join(t, frame.Compact, end(most+1))} {
			wantError(t, walk(newReader(t, bytes.NewReader(b), opts...)), frame.ErrTooLarge, "DC-41")
		}
	}
	// Inside START and the wide END there is no room to be lavish: their own
	// rules come behind the limit.
	b := append(wire(frame.Wide, 1, 0, most+1), make([]byte, most)...)
	wantError(t, walk(newReader(t, bytes.NewReader(b))), frame.ErrTooLarge, "DC-41")
	b = join(t, frame.Wide, wire(frame.Wide, 0, 0, most+1))
	wantError(t, walk(newReader(t, bytes.NewReader(b))), frame.ErrTooLarge, "DC-41")
}

// A length that passes every limit costs no memory either, before its bytes
// are there.
//
// Proves: DC-41.
func TestAClaimedLengthCostsNoMemory(t *testing.T) {
	for _, l := range layouts {
		b := join(t, l, wire(l, 5, 0, source.DefaultMaxEntry), pattern(10))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		const rounds = 8
		for range rounds {
			if err := walk(newReader(t, bytes.NewReader(b))); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal(err)
			}
			if _, err := source.Verify(bytes.NewReader(b), source.CheckBodies()); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		// The read-ahead buffer of 64 KiB, and little else, per Reader.
		if got := (after.TotalAlloc - before.TotalAlloc) / (2 * rounds); got > 100<<10 {
			t.Errorf("%v: %d bytes were allocated for each Reader", l, got)
		}
	}
}

// What an entry costs is not an allocation.
func TestOneBufferForAllEntries(t *testing.T) {
	for _, l := range layouts {
		var items []item
		for n := range 1000 {
			items = append(items, item{5, uint32(n), pattern(64)})
		}
		b := make1(t, l, items...)
		var in bytes.Reader
		n := testing.AllocsPerRun(10, func() {
			in.Reset(b)
			if err := walk(newReader(t, &in)); err != nil {
				t.Fatal(err)
			}
		})
		if n > 5 { // the Reader, its buffer, and what walk itself may need
			t.Errorf("%v: %v allocations for 1000 entries", l, n)
		}
	}
}

func TestLimitsThatCannotBe(t *testing.T) {
	for name, o := range map[string]source.Option{
		"no entries":       source.WithMaxEntries(0),
		"negative entries": source.WithMaxEntries(-1),
		"one entry":        source.WithMaxEntries(1),
		"no bytes":         source.WithMaxTotal(0),
		"negative bytes":   source.WithMaxTotal(-1),
		"half a header":    source.WithMaxTotal(frame.HeaderSize - 1),
	} {
		if r, err := source.NewReader(bytes.NewReader(nil), o); r != nil || !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("NewReader, %s: %v, %v", name, r, err)
		}
		if _, err := source.Verify(bytes.NewReader(nil), o); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("Verify, %s: %v", name, err)
		}
		var g source.Registry
		if err := g.CheckThenLoad(t.Context(), nil, bytes.NewReader(nil), o); !errors.Is(err, frame.ErrMisuse) {
			t.Errorf("CheckThenLoad, %s: %v", name, err)
		}
	}
	if _, err := source.NewReader(nil); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("no source: %v", err)
	}
	if _, err := source.Verify(nil); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("no source: %v", err)
	}
	if _, err := source.NewReader(iotest.ErrReader(errBoom)); err != nil {
		t.Errorf("NewReader read before it was asked to: %v", err)
	}
}

// A larger limit than the default is the caller's to give.
func TestLimitsCanBeRaised(t *testing.T) {
	for _, l := range layouts {
		b := join(t, l, wire(l, 5, 0, source.DefaultMaxEntry+8))
		err := walk(newReader(t, bytes.NewReader(b), source.WithMaxEntry(source.DefaultMaxEntry+8)))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v: %v", l, err)
		}
	}
	b := join(t, frame.Wide, wire(frame.Wide, 5, 0, source.DefaultMaxTotal))
	most := source.WithMaxEntry(1<<63 - 1)
	wantError(t, walk(newReader(t, bytes.NewReader(b), most)), frame.ErrTooLarge, "DC-41")
	err := walk(newReader(t, bytes.NewReader(b), most, source.WithMaxTotal(1<<63-1)))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	// The sum must not overflow on its way to the comparison.
	b = join(t, frame.Wide, wire(frame.Wide, 5, 0, frame.Wide.MaxBody()))
	wantError(t, walk(newReader(t, bytes.NewReader(b), most, source.WithMaxTotal(1<<63-1))), frame.ErrTooLarge, "DC-41")
}
