package frame_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
)

var xen415 = frame.XenVersion{Major: 4, Minor: 15}

const (
	header415 = "01 00 00 00 10 00 00 00 45 56 41 53 04 00 0f 00 01 00 00 00 00 00 00 00"
	start415  = "01 00 00 00 00 00 00 00 08 00 00 00 00 00 00 00 04 00 00 00 0f 00 00 00"
)

// Proves: DC-1.
func TestHeaderGolden(t *testing.T) {
	for l, s := range map[frame.Layout]string{frame.Compact: header415, frame.Wide: start415} {
		want, h := unhex(t, s), frame.Header{Layout: l, Xen: xen415}
		got, err := h.Append([]byte{0xaa})
		if err != nil || !bytes.Equal(got, append([]byte{0xaa}, want...)) {
			t.Errorf("%v: got % x, %v, want % x", l, got, err, want)
		}
		if len(want) != frame.HeaderSize || frame.Detect(want) != l {
			t.Errorf("%v: %d bytes, detected as %v", l, len(want), frame.Detect(want))
		}
		d := frame.DecodeDescriptor(want, l)
		if d != h.Descriptor() {
			t.Errorf("%v: descriptor %+v, want %+v", l, h.Descriptor(), d)
		}
		back, err := frame.DecodeHeader(d, l, want[l.DescriptorSize():])
		if diff := cmp.Diff(h, back); diff != "" || err != nil {
			t.Errorf("%v: %v (-want +got):\n%s", l, err, diff)
		}
	}
}

// Proves: DC-22.
func TestHeaderThatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		h    frame.Header
		fits bool
	}{
		{frame.Header{Layout: frame.Compact, Xen: frame.XenVersion{Major: 1<<16 - 1, Minor: 1<<16 - 1}}, true},
		{frame.Header{Layout: frame.Compact, Xen: frame.XenVersion{Major: 1 << 16}}, false},
		{frame.Header{Layout: frame.Compact, Xen: frame.XenVersion{Minor: 1 << 16}}, false},
		{frame.Header{Layout: frame.Wide, Xen: frame.XenVersion{Major: 1<<32 - 1, Minor: 1<<32 - 1}}, true},
	} {
		b, err := c.h.Append([]byte{0xaa})
		if c.fits {
			if err != nil || len(b) != 1+frame.HeaderSize {
				t.Errorf("%+v: %d bytes, %v", c.h, len(b), err)
			}
			continue
		}
		checkError(t, err, frame.ErrTooLarge, "DC-22")
		if !bytes.Equal(b, []byte{0xaa}) {
			t.Errorf("%+v: something was appended: % x", c.h, b)
		}
	}
	for _, l := range []frame.Layout{0, 3} {
		if b, err := (frame.Header{Layout: l}).Append([]byte{1}); !errors.Is(err, frame.ErrMisuse) || len(b) != 1 {
			t.Errorf("%v: %d bytes, %v", l, len(b), err)
		}
	}
}

// A header is broken in one way, and the rule for that is reported.
//
// Proves: DC-7, DC-8, DC-9, DC-10, DC-14.
func TestDecodeHeaderRules(t *testing.T) {
	type header struct {
		d    frame.Descriptor
		body []byte
	}
	compact := func(f func(h *header)) header {
		h := header{frame.Descriptor{Type: 1, Length: 16}, unhex(t, header415)[8:]}
		f(&h)
		return h
	}
	wide := func(f func(h *header)) header {
		h := header{frame.Descriptor{Type: 1, Length: 8}, unhex(t, start415)[16:]}
		f(&h)
		return h
	}
	cut := func(n int) func(h *header) {
		return func(h *header) { h.d.Length, h.body = uint64(n), append(h.body, make([]byte, 64)...)[:n] }
	}
	flip := func(i int, x byte) func(h *header) { return func(h *header) { h.body[i] ^= x } }
	for _, c := range []struct {
		name     string
		layout   frame.Layout
		h        header
		sentinel error
		rule     frame.Rule // empty if the header is good
	}{
		{"good", 1, compact(func(*header) {}), nil, ""},
		{"instance", 1, compact(func(h *header) { h.d.Instance = 1 }), frame.ErrCorrupt, "DC-7"},
		{"instance", 2, wide(func(h *header) { h.d.Instance = 1 << 31 }), frame.ErrCorrupt, "DC-7"},
		{"magic, first byte", 1, compact(flip(0, 1)), frame.ErrCorrupt, "DC-8"},
		{"magic, last byte", 1, compact(flip(3, 0x80)), frame.ErrCorrupt, "DC-8"},
		{"no magic", 1, compact(cut(3)), frame.ErrCorrupt, "DC-8"},
		{"empty", 1, compact(cut(0)), frame.ErrCorrupt, "DC-8"},
		{"version 0", 1, compact(flip(8, 1)), frame.ErrUnsupported, "DC-9"},
		{"version 3", 1, compact(flip(8, 2)), frame.ErrUnsupported, "DC-9"},
		{"version, last byte", 1, compact(flip(11, 0x80)), frame.ErrUnsupported, "DC-9"},
		{"no version", 1, compact(cut(8)), frame.ErrUnsupported, "DC-9"},
		{"part of the version is the version, zero-extended", 1, compact(cut(9)), nil, ""},
		{"no padding", 1, compact(cut(12)), nil, ""},
		{"more padding", 1, compact(cut(40)), nil, ""},
		{"padding, first byte", 1, compact(flip(12, 1)), frame.ErrCorrupt, "DC-10"},
		{"padding, last byte", 1, compact(flip(15, 0x80)), frame.ErrCorrupt, "DC-10"},
		{"good", 2, wide(func(*header) {}), nil, ""},
		{"any version of Xen", 2, wide(flip(7, 0xff)), nil, ""},
		{"length 0", 2, wide(cut(0)), frame.ErrCorrupt, "DC-14"},
		{"length 7", 2, wide(cut(7)), frame.ErrCorrupt, "DC-14"},
		{"length 9", 2, wide(cut(9)), frame.ErrCorrupt, "DC-14"},
		{"length 16", 2, wide(cut(16)), frame.ErrCorrupt, "DC-14"},
		{"less than its length", 2, wide(func(h *header) { h.body = h.body[:7] }), frame.ErrCorrupt, "DC-14"},
	} {
		t.Run(c.layout.String()+", "+c.name, func(t *testing.T) {
			h, err := frame.DecodeHeader(c.h.d, c.layout, c.h.body)
			if h.Layout != c.layout {
				t.Errorf("layout %v", h.Layout)
			}
			if c.rule != "" {
				checkError(t, err, c.sentinel, c.rule)
				return
			}
			if err != nil || h.Xen.Major != 4 {
				t.Errorf("got %+v, %v", h, err)
			}
		})
	}
}

// The order is lexicographic; where minor alone decided, 4.10 would be newer
// than 5.0.
func TestXenVersionCompare(t *testing.T) {
	ascending := []frame.XenVersion{{}, {0, 1}, {3, 1<<32 - 1}, {4, 9}, {4, 10}, {4, 15}, {5, 0}, {5, 15}, {1<<32 - 1, 0}, {1<<32 - 1, 1<<32 - 1}}
	for i, v := range ascending {
		for j, w := range ascending {
			want := 0
			switch {
			case i < j:
				want = -1
			case i > j:
				want = 1
			}
			if got := v.Compare(w); got != want {
				t.Errorf("%v and %v: got %d, want %d", v, w, got, want)
			}
		}
	}
	if s := xen415.String(); s != "4.15" {
		t.Errorf("got %q", s)
	}
}

// Whatever the first bytes are, nothing panics; and a header that is taken
// stands for the same fields when it is written again.
func FuzzHeader(f *testing.F) {
	f.Add(unhex(f, header415))
	f.Add(unhex(f, start415))
	f.Add(unhex(f, header415)[:20])
	f.Add(append(unhex(f, header415), 0, 0, 0, 1))
	f.Add(unhex(f, "01 00 00 00 00 00 00 00 ff ff ff ff ff ff ff ff 04 00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := frame.Detect(b)
		if l == 0 || len(b) < l.DescriptorSize() {
			return
		}
		d := frame.DecodeDescriptor(b, l)
		body := b[l.DescriptorSize():]
		h, err := frame.DecodeHeader(d, l, body)
		if err != nil {
			if !errors.Is(err, frame.ErrCorrupt) && !errors.Is(err, frame.ErrUnsupported) {
				t.Errorf("an error of neither kind: %v", err)
			}
			return
		}
		again, err := h.Append(nil)
		if err != nil {
			t.Fatalf("%+v was read and cannot be written: %v", h, err)
		}
		// Only HEADER may differ, in its length and in the zeros it ends with.
		body = append(bytes.Clone(body), make([]byte, 16)...)
		if !bytes.Equal(again[l.DescriptorSize():], body[:len(again)-l.DescriptorSize()]) || l == frame.Wide && d != h.Descriptor() {
			t.Errorf("% x became % x", b, again)
		}
	})
}
