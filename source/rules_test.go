package source_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

// broken is a context that breaks one rule. load and verify are what a loader
// that reads every body whole, and a verifier, report; empty if it passes.
type broken struct {
	name         string
	layout       frame.Layout
	bytes        []byte
	sentinel     error
	load, verify frame.Rule
	index        int // of the entry that is to blame
}

// change gives b with x added to the byte at i.
func change(b []byte, i int, x byte) []byte {
	b = bytes.Clone(b)
	b[i] += x
	return b
}

// headerOf gives HEADER with body fields cut or extended to n bytes.
func headerOf(t *testing.T, n int) []byte {
	body := append(first(t, frame.Compact)[8:], make([]byte, n)...)[:n]
	return append(wire(frame.Compact, 1, 0, uint64(n)), body...)
}

func brokenFirsts(t *testing.T) []broken {
	compact, wide := join(t, frame.Compact, last(frame.Compact)), join(t, frame.Wide, last(frame.Wide))
	end := last(frame.Compact)
	unsupported := frame.ErrUnsupported
	return []broken{
		{"END first", frame.Compact, make([]byte, 32), nil, "DC-5", "DC-5", 0},
		{"another type first", frame.Compact, change(compact, 0, 1), nil, "DC-5", "DC-5", 0},
		{"a type with high byte first", frame.Compact, change(compact, 1, 1), nil, "DC-5", "DC-5", 0},
		{"big-endian", frame.Wide, append([]byte{0, 0, 0, 1}, make([]byte, 28)...), nil, "DC-5", "DC-5", 0},
		{"all ones", frame.Wide, bytes.Repeat([]byte{0xff}, 64), nil, "DC-5", "DC-5", 0},
		{"high half of START's type is HEADER's instance", frame.Wide, change(wide, 2, 1), nil, "DC-7", "DC-60", 0},
		{"START with an instance is HEADER of that length", frame.Wide, change(wide, 4, 8), nil, "DC-8", "DC-60", 0},
		{"HEADER of length 0 is START", frame.Compact, append(wire(frame.Compact, 1, 0, 0), compact[8:]...), frame.ErrTooLarge, "DC-41", "DC-41", 0},
		{"HEADER of length 0, then END", frame.Compact, append(wire(frame.Compact, 1, 0, 0), end...), nil, "DC-14", "DC-14", 0},
		{"HEADER's instance", frame.Compact, change(compact, 2, 1), nil, "DC-7", "DC-7", 0},
		{"magic", frame.Compact, change(compact, 8, 1), nil, "DC-8", "DC-8", 0},
		{"magic, last byte", frame.Compact, change(compact, 11, 0x80), nil, "DC-8", "DC-8", 0},
		{"version 2", frame.Compact, change(compact, 16, 1), unsupported, "DC-9", "DC-9", 0},
		{"version 0", frame.Compact, change(compact, 16, 255), unsupported, "DC-9", "DC-9", 0},
		{"HEADER's padding", frame.Compact, change(compact, 20, 1), nil, "DC-10", "DC-10", 0},
		{"HEADER's padding, last byte", frame.Compact, change(compact, 23, 0x80), nil, "DC-10", "DC-10", 0},
		{"HEADER of 8 bytes", frame.Compact, append(headerOf(t, 8), end...), unsupported, "DC-9", "DC-60", 0},
		{"HEADER of 12 bytes", frame.Compact, append(headerOf(t, 12), end...), nil, "", "DC-60", 0},
		{"HEADER of 24 bytes", frame.Compact, append(headerOf(t, 24), end...), nil, "", "DC-60", 0},
		{"HEADER of 24 bytes, last is not zero", frame.Compact, append(change(headerOf(t, 24), 31, 1), end...), nil, "DC-10", "DC-60", 0},
		{"START of 7 bytes", frame.Wide, change(wide, 8, 255), nil, "DC-14", "DC-14", 0},
		{"START of 16 bytes", frame.Wide, change(wide, 8, 8), nil, "DC-14", "DC-14", 0},
		{"START of none", frame.Wide, change(wide, 8, 248), nil, "DC-14", "DC-14", 0},
	}
}

func brokenEntries(t *testing.T) []broken {
	c, w := frame.Compact, frame.Wide
	all := []broken{
		{"END with 8 zeros", c, join(t, c, wire(c, 0, 0, 8), make([]byte, 8)), nil, "", "DC-64", 1},
		{"END with 3 zeros", c, join(t, c, wire(c, 0, 0, 3), make([]byte, 3)), nil, "", "DC-64", 1},
		{"END with a body", c, join(t, c, wire(c, 0, 0, 8), []byte{0, 0, 0, 0, 0, 0, 0, 1}), nil, "DC-12", "DC-64", 1},
		{"END with zeros", w, join(t, w, wire(w, 0, 0, 8), make([]byte, 8)), nil, "DC-15", "DC-15", 1},
		{"END with a body", w, join(t, w, wire(w, 0, 0, 1), []byte{1, 0, 0, 0, 0, 0, 0, 0}), nil, "DC-15", "DC-15", 1},
		{"padding", w, join(t, w, wire(w, 5, 0, 3), []byte{1, 2, 3, 0, 0, 0, 0, 1}, last(w)), nil, "DC-13", "DC-13", 1},
		{"length 12", c, join(t, c, wire(c, 5, 0, 12), pattern(12), last(c)), nil, "", "DC-61", 1},
		{"length 1", c, join(t, c, wire(c, 5, 0, 1), pattern(1), last(c)), nil, "", "DC-61", 1},
		{"length 12", w, join(t, w, wire(w, 5, 0, 12), pattern(12), make([]byte, 4), last(w)), nil, "", "", 1},
	}
	for _, l := range layouts {
		entry := func(typ, instance uint32) []byte { return append(wire(l, typ, instance, 8), pattern(8)...) }
		other := frame.HeaderSize - l.DescriptorSize()
		all = append(all,
			broken{"END's instance", l, join(t, l, wire(l, 0, 1, 0)), nil, "DC-11", "DC-11", 1},
			broken{"END's instance, high", l, join(t, l, wire(l, 0, uint32(l.MaxInstance()), 0)), nil, "DC-11", "DC-11", 1},
			broken{"second header", l, join(t, l, entry(5, 0), first(t, l), last(l)), frame.ErrSecondHeader, "DC-42", "DC-42", 2},
			broken{"second header at once", l, join(t, l, first(t, l)[:l.DescriptorSize()], make([]byte, other), last(l)), frame.ErrSecondHeader, "DC-42", "DC-42", 1},
			broken{"second header with an instance", l, join(t, l, wire(l, 1, 7, 0), last(l)), frame.ErrSecondHeader, "DC-42", "DC-42", 1},
			broken{"no END", l, join(t, l, entry(5, 0)), io.ErrUnexpectedEOF, "DC-40", "DC-40", 2},
			broken{"falling", l, join(t, l, entry(6, 0), entry(5, 0), last(l)), nil, "", "DC-20", 2},
			broken{"repeat", l, join(t, l, entry(6, 4), entry(6, 5), entry(6, 4), last(l)), nil, "", "DC-21", 3},
			broken{"a byte behind END", l, join(t, l, entry(6, 4), last(l), []byte{0}), nil, "", "DC-65", 3},
			broken{"a context behind END", l, join(t, l, last(l), first(t, l), last(l)), nil, "", "DC-65", 2},
			// A descriptor whose type was damaged to 0, with nothing else to tell.
			broken{"type becomes END", l, join(t, l, wire(l, 0, 0, 0), entry(6, 0), last(l)), nil, "", "DC-65", 2},
		)
	}
	return all
}

// Each rule is broken alone, and is the one reported, at its place, whichever
// way the bytes arrive.
//
// Proves: DC-4, DC-5, DC-7, DC-8, DC-9, DC-10, DC-11, DC-12, DC-13, DC-14, DC-15, DC-42.
func TestLoaderRules(t *testing.T) {
	for _, c := range append(brokenFirsts(t), brokenEntries(t)...) {
		for _, opts := range [][]source.Option{nil, {source.WithMarks()}} {
			for how, wrap := range readers {
				name := c.layout.String() + ", " + c.name + ", " + how
				checkBroken(t, name, c, c.load, walk(newReader(t, wrap(bytes.NewReader(c.bytes)), opts...)))
			}
		}
	}
}

// A verifier refuses also what a loader puts up with.
//
// Proves: DC-12, DC-20, DC-21, DC-60, DC-61, DC-64, DC-65.
func TestVerifierRules(t *testing.T) {
	for _, c := range append(brokenFirsts(t), brokenEntries(t)...) {
		for how, wrap := range readers {
			name := c.layout.String() + ", " + c.name + ", " + how
			_, err := source.Verify(wrap(bytes.NewReader(c.bytes)))
			checkBroken(t, name, c, c.verify, err)
		}
	}
}

func checkBroken(t *testing.T, name string, c broken, want frame.Rule, err error) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	sentinel := c.sentinel
	switch {
	case want == "DC-41":
		sentinel = frame.ErrTooLarge
	case sentinel == nil || want == "DC-60":
		sentinel = frame.ErrCorrupt
	}
	var e *frame.Error
	if !errors.As(err, &e) || e.Rule != want || !errors.Is(err, sentinel) {
		t.Errorf("%s: got %v, want %v of %s", name, err, sentinel, want)
	} else if e.Index != c.index || e.Layer != frame.Layer {
		t.Errorf("%s: %v: want entry %d", name, err, c.index)
	}
}

// No first entry brings a reader down, and none but the two is taken: all
// pairs of changes of the eight bytes, at the values that matter.
//
// Proves: DC-4, DC-5.
func TestFirstEightBytes(t *testing.T) {
	for _, l := range layouts {
		good := make1(t, l, item{5, 0, pattern(8)})
		for i := range frame.DetectSize {
			for _, x := range []byte{1, 2, 0x80, 0xfe, 0xff} {
				for j := range i {
					b := change(change(good, i, x), j, x)
					if err := walk(newReader(t, bytes.NewReader(b))); err == nil {
						t.Errorf("%v: % x begins a context", l, b[:frame.DetectSize])
					} else if (b[0] != 1 || b[1] != 0) && !errors.Is(err, frame.ErrCorrupt) {
						t.Errorf("%v: % x: %v", l, b[:frame.DetectSize], err)
					}
				}
			}
		}
	}
}

// A context cut anywhere names the entry that it was cut in.
//
// Proves: DC-40.
func TestCutNamesItsPlace(t *testing.T) {
	for _, l := range layouts {
		b := make1(t, l, item{5, 9, pattern(13)}, item{6, 8, pattern(8)})
		at := split(t, b)
		for n := range b {
			err := walk(newReader(t, iotest.DataErrReader(bytes.NewReader(b[:n]))))
			e := wantError(t, err, io.ErrUnexpectedEOF, "DC-40")
			index := 0
			for n >= at[index+1] {
				index++
			}
			if e.Index != index || e.Offset != int64(at[index]) {
				t.Errorf("%v, cut at %d: %v; want entry %d at %d", l, n, err, index, at[index])
			}
			if index > 0 && n >= at[index]+l.DescriptorSize() {
				d := frame.DecodeDescriptor(b[at[index]:], l)
				if e.Record != d.Name(l) {
					t.Errorf("%v, cut at %d: %v; want %s", l, n, err, d.Name(l))
				}
			} else if index > 0 {
				d := frame.DecodeDescriptor(b[at[index-1]:], l)
				if want := "a descriptor after " + d.Name(l); e.Record != want {
					t.Errorf("%v, cut at %d: %v; want %s", l, n, err, want)
				}
			} else if e.Record == "" {
				t.Errorf("%v, cut at %d: no record in %v", l, n, err)
			}
		}
	}
}
