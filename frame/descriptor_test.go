package frame_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
)

var layouts = []frame.Layout{frame.Compact, frame.Wide}

// unhex reads bytes written as in the specification, with spaces between.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// checkError holds err against a sentinel and a rule.
func checkError(t *testing.T, err, sentinel error, rule frame.Rule) {
	t.Helper()
	var e *frame.Error
	switch {
	case !errors.Is(err, sentinel):
		t.Errorf("got %v, want %v in it", err, sentinel)
	case !errors.As(err, &e):
		t.Errorf("%v is not a *frame.Error", err)
	case e.Rule != rule:
		t.Errorf("%v: got rule %q, want %q", err, e.Rule, rule)
	}
}

// Every byte of the fields differs, so that none can be swapped with another.
//
// Proves: DC-1.
func TestDescriptorGolden(t *testing.T) {
	for _, c := range []struct {
		layout frame.Layout
		d      frame.Descriptor
		want   string
	}{
		{frame.Compact, frame.Descriptor{}, "00 00 00 00 00 00 00 00"},
		{frame.Compact, frame.Descriptor{Type: 0x0201, Instance: 0x0403, Length: 0x08070605}, "01 02 03 04 05 06 07 08"},
		{frame.Compact, frame.Descriptor{Type: 0xffff, Instance: 0xffff, Length: 0xfffffff8}, "ff ff ff ff f8 ff ff ff"},
		{frame.Wide, frame.Descriptor{}, "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
		{
			frame.Wide, frame.Descriptor{Type: 0x04030201, Instance: 0x08070605, Length: 0x100f0e0d0c0b0a09},
			"01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10",
		},
		{
			frame.Wide, frame.Descriptor{Type: 1<<32 - 1, Instance: 1<<32 - 1, Length: 1<<63 - 8},
			"ff ff ff ff ff ff ff ff f8 ff ff ff ff ff ff 7f",
		},
	} {
		want := unhex(t, c.want)
		got, err := c.d.Append([]byte{0xaa}, c.layout)
		if err != nil || !bytes.Equal(got[1:], want) || got[0] != 0xaa {
			t.Errorf("%v %+v: got % x, %v, want % x", c.layout, c.d, got, err, want)
		}
		if diff := cmp.Diff(c.d, frame.DecodeDescriptor(want, c.layout)); diff != "" {
			t.Errorf("%v % x decoded (-want +got):\n%s", c.layout, want, diff)
		}
	}
}

// random gives a descriptor that fits the layout. The shifts make small and
// large values equally likely.
func random(rnd *rand.Rand, l frame.Layout) frame.Descriptor {
	return frame.Descriptor{
		Type:     frame.Type(rnd.Uint32()>>rnd.IntN(32)) & l.MaxType(),
		Instance: rnd.Uint32() >> rnd.IntN(32) & l.MaxInstance(),
		Length:   min(rnd.Uint64()>>rnd.IntN(64), l.MaxBody()),
	}
}

func TestDescriptorRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, l := range layouts {
		for range 10_000 {
			d := random(rnd, l)
			b, err := d.Append(nil, l)
			if err != nil || len(b) != l.DescriptorSize() {
				t.Fatalf("%v %+v: %d bytes, %v", l, d, len(b), err)
			}
			if got := frame.DecodeDescriptor(b, l); got != d {
				t.Fatalf("%v: wrote %+v, read %+v", l, d, got)
			}
			put := make([]byte, l.DescriptorSize())
			if err := d.Put(put, l); err != nil || !bytes.Equal(put, b) {
				t.Fatalf("%v %+v: Put gave % x, %v, Append % x", l, d, put, err, b)
			}
		}
	}
}

// A value that does not fit is an error, nothing is cut, nothing written.
//
// Proves: DC-22, DC-23.
func TestDescriptorThatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		name   string
		layout frame.Layout
		d      frame.Descriptor
		rule   frame.Rule // empty if the value fits
	}{
		{"compact, type fits", frame.Compact, frame.Descriptor{Type: 1<<16 - 1}, ""},
		{"compact, type", frame.Compact, frame.Descriptor{Type: 1 << 16}, "DC-22"},
		{"compact, type as cut is END", frame.Compact, frame.Descriptor{Type: 1 << 31}, "DC-22"},
		{"compact, instance fits", frame.Compact, frame.Descriptor{Instance: 1<<16 - 1}, ""},
		{"compact, instance", frame.Compact, frame.Descriptor{Type: 2, Instance: 1 << 16}, "DC-22"},
		{"compact, largest instance", frame.Compact, frame.Descriptor{Type: 2, Instance: 1<<32 - 1}, "DC-22"},
		{"compact, length fits", frame.Compact, frame.Descriptor{Length: 1<<32 - 8}, ""},
		{"compact, length", frame.Compact, frame.Descriptor{Length: 1<<32 - 7}, "DC-23"},
		{"compact, length below the mark", frame.Compact, frame.Descriptor{Length: 1<<32 - 2}, "DC-23"},
		{"compact, unfinished mark", frame.Compact, frame.Descriptor{Length: frame.UnfinishedCompact}, ""},
		{"compact, length above the mark", frame.Compact, frame.Descriptor{Length: 1 << 32}, "DC-23"},
		{"compact, mark of the other layout", frame.Compact, frame.Descriptor{Length: frame.UnfinishedWide}, "DC-23"},
		{"wide, type and instance fit", frame.Wide, frame.Descriptor{Type: 1<<32 - 1, Instance: 1<<32 - 1}, ""},
		{"wide, length fits", frame.Wide, frame.Descriptor{Length: 1<<63 - 8}, ""},
		{"wide, length", frame.Wide, frame.Descriptor{Length: 1<<63 - 7}, "DC-23"},
		{"wide, length below the mark", frame.Wide, frame.Descriptor{Length: 1<<64 - 2}, "DC-23"},
		{"wide, unfinished mark", frame.Wide, frame.Descriptor{Length: frame.UnfinishedWide}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := bytes.Repeat([]byte{0xaa}, 32)
			dst := bytes.Clone(before)
			put := c.d.Put(dst, c.layout)
			out, appended := c.d.Append(dst[:3], c.layout)
			if c.rule == "" {
				if put != nil || appended != nil || len(out) != 3+c.layout.DescriptorSize() {
					t.Fatalf("Put: %v, Append: %v, %d bytes", put, appended, len(out))
				}
				if got := frame.DecodeDescriptor(dst[3:], c.layout); got != c.d {
					t.Fatalf("read %+v, want %+v", got, c.d)
				}
				return
			}
			checkError(t, put, frame.ErrTooLarge, c.rule)
			checkError(t, appended, frame.ErrTooLarge, c.rule)
			if !bytes.Equal(dst, before) || len(out) != 3 || &out[0] != &dst[0] {
				t.Errorf("the destination was changed: % x, %d bytes", dst, len(out))
			}
		})
	}
}

// The short slices are one byte too short: what would be written must not be
// written in part.
func TestDescriptorShortSlicePanics(t *testing.T) {
	for _, l := range layouts {
		b := make([]byte, l.DescriptorSize()-1)
		for name, f := range map[string]func(){
			"Put":              func() { _ = frame.Descriptor{Type: 1<<16 - 1}.Put(b, l) },
			"DecodeDescriptor": func() { frame.DecodeDescriptor(b, l) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%v: %s took %d bytes", l, name, len(b))
					}
				}()
				f()
			}()
			if !frame.IsZero(b) {
				t.Errorf("%v: %s wrote in part: % x", l, name, b)
			}
		}
	}
}

func TestDescriptorName(t *testing.T) {
	for _, c := range []struct {
		layout frame.Layout
		d      frame.Descriptor
		want   string
	}{
		{frame.Compact, frame.Descriptor{}, "type 0 END instance 0"},
		{frame.Compact, frame.Descriptor{Type: 1}, "type 1 HEADER instance 0"},
		{frame.Wide, frame.Descriptor{Type: 1}, "type 1 START instance 0"},
		{frame.Wide, frame.Descriptor{Type: 2}, "type 2 SHARED_INFO instance 0"},
		{frame.Compact, frame.Descriptor{Type: 3, Instance: 7}, "type 3 TSC_INFO instance 7"},
		{frame.Compact, frame.Descriptor{Type: 9, Instance: 65535}, "type 9 instance 65535"},
	} {
		if got := c.d.Name(c.layout); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		if named := c.d.Type.Name(c.layout) != ""; named != (c.d.Type < 4) {
			t.Errorf("type %d: named %v", c.d.Type, named)
		}
		if r := c.d.Type.Reserved(); r != (c.d.Type < 2) {
			t.Errorf("type %d: reserved %v", c.d.Type, r)
		}
	}
}

// Encoding into a slice with room must not cost an allocation: it happens for
// every entry.
func TestNoAllocations(t *testing.T) {
	buf := make([]byte, 0, 64)
	d := frame.Descriptor{Type: 7, Instance: 3, Length: 64}
	var sum uint64
	for _, l := range layouts {
		b, err := d.Append(nil, l)
		if err != nil {
			t.Fatal(err)
		}
		h := frame.Header{Layout: l, Xen: frame.XenVersion{Major: 4, Minor: 15}}
		header, err := h.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range map[string]func(){
			"Put":              func() { _ = d.Put(buf[:l.DescriptorSize()], l) },
			"Append":           func() { _, _ = d.Append(buf, l) },
			"DecodeDescriptor": func() { sum += frame.DecodeDescriptor(b, l).Length },
			"Detect":           func() { sum += uint64(frame.Detect(header)) },
			"Header.Append":    func() { _, _ = h.Append(buf) },
			"DecodeHeader":     func() { _, _ = frame.DecodeHeader(h.Descriptor(), l, header[l.DescriptorSize():]) },
			"TSCInfo.Append":   func() { _ = frame.TSCInfo{KHz: 1}.Append(buf, l) },
		} {
			if n := testing.AllocsPerRun(100, f); n != 0 {
				t.Errorf("%v: %s allocates %v times", l, name, n)
			}
		}
	}
	_ = sum
}

// Whatever 8 or 16 bytes there are, they decode, and encode to the same,
// unless their length is one that no writer may write.
func FuzzDescriptor(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Add(bytes.Repeat([]byte{0xff}, 16))
	f.Add([]byte{2, 0, 1, 0, 0xf8, 0xff, 0xff, 0xff, 0xf9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, l := range layouts {
			n := l.DescriptorSize()
			if len(b) < n {
				return
			}
			d := frame.DecodeDescriptor(b, l)
			out, err := d.Append(nil, l)
			switch {
			case d.Length > l.MaxBody() && d.Length != l.Unfinished():
				checkError(t, err, frame.ErrTooLarge, "DC-23")
			case err != nil || !bytes.Equal(out, b[:n]):
				t.Errorf("%v: % x decodes to %+v, which encodes to % x, %v", l, b[:n], d, out, err)
			}
		}
	})
}
