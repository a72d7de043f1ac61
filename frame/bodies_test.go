package frame_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
)

// body makes a body: 32-bit words, then zeros up to size bytes.
func body(size int, words ...uint32) []byte {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return append(b, make([]byte, max(0, size-len(b)))...)[:size]
}

type checked struct {
	name   string
	layout frame.Layout
	typ    frame.Type
	inst   uint32
	body   []byte
	rule   frame.Rule // empty if the body is good
}

func sharedInfoBodies() []checked {
	const typ = frame.SharedInfoType
	cs := []checked{
		{"instance 1", frame.Compact, typ, 1, body(3144, 0, 3136), "DC-70"},
		{"instance 1", frame.Wide, typ, 1, body(3140), "DC-70"},
		{"bit 1", frame.Compact, typ, 0, body(3144, 2, 3136), "DC-71"},
		{"bit 31", frame.Compact, typ, 0, body(3144, 1<<31, 3136), "DC-71"},
		{"bits 0 and 8", frame.Wide, typ, 0, body(2348, 0x101), "DC-71"},
		{"empty", frame.Compact, typ, 0, nil, "DC-72"},
		{"flags alone", frame.Compact, typ, 0, body(7), "DC-72"},
		{"no data", frame.Compact, typ, 0, body(8), "DC-72"},
		{"buffer_size is not the length", frame.Compact, typ, 0, body(3144, 0, 3135), "DC-72"},
		{"buffer_size is the whole length", frame.Compact, typ, 0, body(3144, 0, 3144), "DC-72"},
		{"buffer_size is of another size", frame.Compact, typ, 0, body(3144, 0, 4096), "DC-72"},
		{"padding behind a good body", frame.Compact, typ, 0, body(3152, 0, 3136), "DC-72"},
		{"a size of its own", frame.Compact, typ, 0, body(3152, 0, 3144), "DC-72"},
		{"wide data of 32-bit guest for 64 bits", frame.Compact, typ, 0, body(2352, 0, 2344), "DC-72"},
		{"Arm with 32-bit flag", frame.Compact, typ, 0, body(1096, 1, 1088), "DC-72"},
		{"empty", frame.Wide, typ, 0, nil, "DC-73"},
		{"half of flags", frame.Wide, typ, 0, body(3), "DC-73"},
		{"flags alone", frame.Wide, typ, 0, body(4), "DC-73"},
		{"full size with 32-bit flag", frame.Wide, typ, 0, body(3140, 1), "DC-73"},
		{"32-bit size without flag", frame.Wide, typ, 0, body(2348), "DC-73"},
		{"Arm with 32-bit flag", frame.Wide, typ, 0, body(1092, 1), "DC-73"},
		{"page", frame.Wide, typ, 0, body(4100), "DC-73"},
		{"padded", frame.Wide, typ, 0, body(3144), "DC-73"},
		{"compact body", frame.Wide, typ, 0, body(3144, 0, 3136), "DC-73"},
	}
	for _, c := range []struct {
		layout frame.Layout
		size   int
		flag   uint32
	}{
		{frame.Compact, 3136, 0},
		{frame.Compact, 3136, 1}, // versions 4 and 5
		{frame.Compact, 2344, 1},
		{frame.Compact, 1088, 0},
		{frame.Compact, 4096, 0}, // version 3
		{frame.Compact, 4096, 1},
		{frame.Wide, 3136, 0},
		{frame.Wide, 2344, 1},
		{frame.Wide, 1088, 0},
	} {
		b := body(8+c.size, c.flag, uint32(c.size))
		if c.layout == frame.Wide {
			b = body(4+c.size, c.flag)
		}
		cs = append(cs, checked{fmt.Sprintf("good, size %d, flag %d", c.size, c.flag), c.layout, typ, 0, b, ""})
	}
	return cs
}

func tscInfoBodies() []checked {
	const typ = frame.TSCInfoType
	cs := []checked{
		{"undefined bytes", frame.Compact, typ, 0, body(24, 0, 0, 0, 0, 0, 0xdeadbeef), ""},
		{"20 bytes", frame.Wide, typ, 0, body(20), ""},
		{"instance 1", frame.Compact, typ, 1, body(24), "DC-70"},
		{"instance 1", frame.Wide, typ, 1, body(20), "DC-70"},
		{"reserved bytes, first", frame.Wide, typ, 0, body(24, 0, 0, 0, 0, 0, 1), "DC-74"},
		{"reserved bytes, last", frame.Wide, typ, 0, body(24, 0, 0, 0, 0, 0, 1<<31), "DC-74"},
		{"mode 3", frame.Compact, typ, 0, body(24, 3), "DC-75"},
		{"mode 3", frame.Wide, typ, 0, body(20, 3), "DC-75"},
		{"mode, last byte", frame.Wide, typ, 0, body(24, 1<<31), "DC-75"},
	}
	for mode := range uint32(3) {
		cs = append(cs,
			checked{fmt.Sprintf("mode %d", mode), frame.Compact, typ, 0, body(24, mode), ""},
			checked{fmt.Sprintf("mode %d", mode), frame.Wide, typ, 0, body(24, mode), ""})
	}
	for _, n := range []int{0, 4, 16, 19, 20, 21, 23, 25, 32} {
		cs = append(cs, checked{fmt.Sprintf("length %d", n), frame.Compact, typ, 0, body(n), "DC-74"})
		if n != 20 {
			cs = append(cs, checked{fmt.Sprintf("length %d", n), frame.Wide, typ, 0, body(n), "DC-74"})
		}
	}
	return cs
}

// Bodies of every size that there is pass; each rule is broken alone, and is
// the one reported.
//
// Proves: DC-70, DC-71, DC-72, DC-73, DC-74, DC-75.
func TestCheckBody(t *testing.T) {
	for _, c := range append(sharedInfoBodies(), tscInfoBodies()...) {
		d := frame.Descriptor{Type: c.typ, Instance: c.inst, Length: uint64(len(c.body))}
		t.Run(fmt.Sprintf("%v %s, %s", c.layout, c.typ.Name(c.layout), c.name), func(t *testing.T) {
			err := frame.CheckBody(d, c.layout, c.body)
			if c.rule != "" {
				checkError(t, err, frame.ErrCorrupt, c.rule)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// Types without rules pass whatever they hold, and so does what has a name but
// no body of its own here.
func TestCheckBodyOfOtherTypes(t *testing.T) {
	for _, l := range layouts {
		for _, typ := range []frame.Type{frame.End, frame.Start, 4, 65535} {
			d := frame.Descriptor{Type: typ, Instance: 9, Length: 3}
			if err := frame.CheckBody(d, l, []byte{1, 2, 3}); err != nil {
				t.Errorf("%v type %d: %v", l, typ, err)
			}
		}
	}
}

// A body that is too long for its type is judged by its first bytes: nobody
// has to gather the rest.
//
// Proves: DC-72, DC-73, DC-74.
func TestCheckBodyNeedsNoMoreThanItSays(t *testing.T) {
	b := make([]byte, frame.MaxCheckedBody)
	for _, l := range layouts {
		for _, n := range []uint64{frame.MaxCheckedBody + 1, 1 << 30, l.MaxBody()} {
			want := frame.RuleInfoLength
			if l == frame.Compact {
				binary.LittleEndian.PutUint32(b[4:], uint32(n-8))
				want = frame.RuleBufferSize
			}
			d := frame.Descriptor{Type: frame.SharedInfoType, Length: n}
			checkError(t, frame.CheckBody(d, l, b), frame.ErrCorrupt, want)
			d.Type = frame.TSCInfoType
			checkError(t, frame.CheckBody(d, l, b), frame.ErrCorrupt, frame.RuleTSCLength)
		}
	}
}

func TestDecodeSharedInfoGivesItsData(t *testing.T) {
	for l, header := range map[frame.Layout]int{frame.Compact: 8, frame.Wide: 4} {
		for size, flag := range map[int]uint32{frame.SharedInfo32: 1, frame.SharedInfo64: 0} {
			b := body(header+size, flag, uint32(size))
			b[header], b[len(b)-1] = 0x11, 0x22
			s, err := frame.DecodeSharedInfo(frame.Descriptor{Type: 2, Length: uint64(len(b))}, l, b)
			if err != nil || len(s.Data) != size || &s.Data[0] != &b[header] || s.Narrow != (flag == 1) {
				t.Errorf("%v %d: %d bytes, narrow %v, %v", l, size, len(s.Data), s.Narrow, err)
			}
		}
	}
}

// The layouts order the fields differently. Each field has bytes of its own.
//
// Proves: DC-1.
func TestTSCInfoGolden(t *testing.T) {
	info := frame.TSCInfo{Mode: 2, Incarnation: 0x14131211, KHz: 0x24232221, Nanoseconds: 0x3837363534333231}
	for l, s := range map[frame.Layout]string{
		frame.Compact: "02 00 00 00 11 12 13 14 31 32 33 34 35 36 37 38 21 22 23 24 00 00 00 00",
		frame.Wide:    "02 00 00 00 21 22 23 24 31 32 33 34 35 36 37 38 11 12 13 14 00 00 00 00",
	} {
		want := unhex(t, s)
		if got := info.Append([]byte{9}, l); !bytes.Equal(got[1:], want) || got[0] != 9 {
			t.Errorf("%v: got % x, want % x", l, got, want)
		}
		got, err := frame.DecodeTSCInfo(frame.Descriptor{Type: 3, Length: 24}, l, want)
		if diff := cmp.Diff(info, got); diff != "" || err != nil {
			t.Errorf("%v: %v (-want +got):\n%s", l, err, diff)
		}
	}
}
