package libxc_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
)

// codec is one structure: how it is written, and how it is read and written
// again.
type codec struct {
	name  string
	wire  string
	bytes []byte
	again func([]byte) ([]byte, error)
}

func recode[T interface{ Append([]byte) []byte }](parse func([]byte) (T, error)) func([]byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		v, err := parse(b)
		if err != nil {
			return nil, err
		}
		return v.Append(nil), nil
	}
}

var codecs = []codec{
	{"image header", "ffffffffffffffff58454e46000000038000000100000002",
		libxc.ImageHeader{Marker: libxc.Marker, ID: libxc.ID, Version: 3, Options: 1 << 15, Reserved1: 1, Reserved2: 2}.Append(nil), recode(libxc.ParseImageHeader)},
	{"domain header", "020000000c0001000400000011000000",
		libxc.DomainHeader{Guest: libxc.HVM, PageShift: 12, Reserved: 1, Xen: frame.XenVersion{Major: 4, Minor: 17}}.Append(nil), recode(libxc.ParseDomainHeader)},
	{"record header", "1300000010000000", libxc.RecordHeader{Type: libxc.DomainContext, Length: 16}.Append(nil), recode(libxc.ParseRecordHeader)},
	{"X86_PV_INFO", "0804010203040506", libxc.PVInfo{Width: 8, Levels: 4, Reserved: [6]byte{1, 2, 3, 4, 5, 6}}.Append(nil), recode(libxc.ParsePVInfo)},
	{"X86_PV_P2M_FRAMES", "00000000ffff0000", libxc.P2MRange{End: 65535}.Append(nil), recode(libxc.ParseP2MRange)},
	{"X86_PV_VCPU_BASIC", "0100000002000000", libxc.VCPUHeader{VCPU: 1, Reserved: 2}.Append(nil), recode(libxc.ParseVCPUHeader)},
	{"X86_TSC_INFO", "010000000200000003000000000000000400000005000000",
		libxc.TSCInfo{Mode: 1, KHz: 2, Nanoseconds: 3, Incarnation: 4, Reserved: 5}.Append(nil), recode(libxc.ParseTSCInfo)},
	{"HVM_PARAMS", "0c00000001000000", libxc.ParamsHeader{Count: 12, Reserved: 1}.Append(nil), recode(libxc.ParseParamsHeader)},
	{"PAGE_DATA", "0004000001000000", libxc.PageDataHeader{Count: 1024, Reserved: 1}.Append(nil), recode(libxc.ParsePageDataHeader)},
}

// Proves: XS-1.
func TestOnTheWire(t *testing.T) {
	for _, c := range codecs {
		if got := hex.EncodeToString(c.bytes); got != c.wire {
			t.Errorf("%s: %s, want %s", c.name, got, c.wire)
		}
		again, err := c.again(c.bytes)
		if err != nil || !bytes.Equal(again, c.bytes) {
			t.Errorf("%s: %x, %v, want %x", c.name, again, err, c.bytes)
		}
		for n := range c.bytes {
			if _, err := c.again(c.bytes[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s of %d bytes: %v", c.name, n, err)
			}
		}
	}
	if got := libxc.NewImageHeader(2).Append(nil); string(got[:12]) != libxc.Magic {
		t.Errorf("the magic is not marker and id: %x", got)
	}
}

func TestPages(t *testing.T) {
	entries := []libxc.Entry{
		libxc.NewEntry(0xaa, libxc.NoTab), libxc.NewEntry(libxc.MaxPFN, libxc.XTab), libxc.NewEntry(1, libxc.L4Tab|libxc.Pinned),
	}
	b := libxc.AppendPageData(nil, entries, make([]byte, 2*libxc.PageSize))
	r, err := libxc.ParseRecordHeader(b)
	if err != nil || r != (libxc.RecordHeader{Type: libxc.PageData, Length: 8 + 3*8 + 2*4096}) || len(b) != 8+int(r.Length) {
		t.Errorf("%+v, %v, %d bytes", r, err, len(b))
	}
	h, err := libxc.ParsePageDataHeader(b[8:])
	if err != nil || h.Count != 3 || h.Length(2) != uint64(r.Length) {
		t.Errorf("%+v, %v", h, err)
	}
	es := libxc.Entries(b[16:40])
	for i, e := range entries {
		if es.Len() != 3 || es.At(i) != e {
			t.Errorf("entry %d is %#x, want %#x", i, es.At(i), e)
		}
	}
	if e := es.At(1); e.PFN() != libxc.MaxPFN || e.Type() != libxc.XTab || e&libxc.ReservedBits != 0 {
		t.Errorf("%#x: pfn %#x, type %v", e, e.PFN(), e.Type())
	}
}

func TestPageTypes(t *testing.T) {
	want := []string{
		"NOTAB data memory 0", "L1TAB data memory 1", "L2TAB data memory 2", "L3TAB data memory 3", "L4TAB data memory 4",
		"PageType(5) 0", "PageType(6) 0", "PageType(7) 0", "PageType(8) 0",
		"L1TAB_PINNED data memory 1", "L2TAB_PINNED data memory 2", "L3TAB_PINNED data memory 3", "L4TAB_PINNED data memory 4",
		"BROKEN 0", "XALLOC memory 0", "XTAB 0", "PageType(16) 0",
	}
	for i := range want {
		p := libxc.PageType(i)
		got := p.String()
		if p.HasData() {
			got += " data"
		}
		if p.HasMemory() {
			got += " memory"
		}
		if got += fmt.Sprint(" ", p.Level()); got != want[i] {
			t.Errorf("%s, want %s", got, want[i])
		}
	}
	names := fmt.Sprint(libxc.NoTab, libxc.L1Tab, libxc.L2Tab, libxc.L3Tab, libxc.L4Tab, libxc.L1Tab|libxc.Pinned, libxc.Broken, libxc.XAlloc, libxc.XTab)
	if names != "NOTAB L1TAB L2TAB L3TAB L4TAB L1TAB_PINNED BROKEN XALLOC XTAB" {
		t.Error(names)
	}
}

// lengths are those of the specification's table: the least, and what the rest is a
// multiple of.
var lengths = map[string][2]uint32{
	"0": {0, 0}, "8": {8, 0}, "24": {24, 0}, "4096": {4096, 0}, "at least 1": {1, 1}, "24n": {24, 24}, "16n": {16, 16},
	"8 + 8n": {16, 8}, "8 + 16n": {8, 16}, "§6.3": {16, 8},
	// What follows the 8 bytes is judged with the body.
	fmt.Sprintf("8 + %d or %d", libxc.VCPUBasic32, libxc.VCPUBasic64): {8, 1},
	fmt.Sprintf("8 + at most %d", libxc.MaxVCPUExtended):              {8, 1},
	fmt.Sprintf("8 + at least %d", libxc.MinVCPUXSave):                {8, 1},
}

// The table of records is the specification's, row by row.
//
// Proves: XS-57, XS-59, XS-60.
func TestRecordsAreThoseOfTheSpecification(t *testing.T) {
	text, err := os.ReadFile("../../docs/spec/xen-streams.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n### 6.2 Records\n")
	section, _, _ = strings.Cut(section, "\n### ")
	rows := regexp.MustCompile(`(?m)^\| 0x(\w\w) \| (\w+) \|(.*)\|(.*)\|(.*)\|(.*)\|$`).FindAllStringSubmatch(section, -1)
	for i, row := range rows {
		info, known := libxc.Lookup(libxc.Type(i))
		guest, versions, many, length := strings.TrimSpace(row[3]), strings.TrimSpace(row[4]), strings.TrimSpace(row[5]), strings.TrimSpace(row[6])
		if code := fmt.Sprintf("%02x", i); !known || row[1] != code || info.Name != row[2] || libxc.Type(i).Name() != row[2] {
			t.Errorf("%s: %s, %v", row[0], info.Name, known)
		}
		if info.PV != (guest == "pv" || guest == "any") || info.HVM != (guest == "hvm" || guest == "any") {
			t.Errorf("%s: %+v", row[0], info)
		}
		least, unit := info.MinLength, info.Unit
		if !info.Fits(least) || least > 0 && info.Fits(least-1) || info.Fits(least+1) != (unit == 1) || unit > 0 && !info.Fits(least+3*unit) || unit > 1 && info.Fits(least+3*unit-1) {
			t.Errorf("%s: other lengths fit than %d and multiples of %d behind", row[0], least, unit)
		}
		if versions == "" {
			continue // nobody's
		}
		if since, until, ranged := strings.Cut(versions, "-"); fmt.Sprint(info.Since) != since || fmt.Sprint(info.Until) != until && ranged || info.Until != 4 && !ranged {
			t.Errorf("%s: versions %d to %d", row[0], info.Since, info.Until)
		}
		if repeats := many == "any" || many == "1 a processor" || many == "§9"; info.Repeats != repeats {
			t.Errorf("%s: repeats %v", row[0], info.Repeats)
		}
		if want, named := lengths[length]; !named || want != [2]uint32{info.MinLength, info.Unit} {
			t.Errorf("%s: lengths %d and %d", row[0], info.MinLength, info.Unit)
		}
	}
	if _, more := libxc.Lookup(libxc.Type(len(rows))); more || len(rows) != int(libxc.DomainContext)+1 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestRecordTypes(t *testing.T) {
	if _, known := libxc.Lookup(libxc.DomainContext + 1); known || (libxc.Optional|1).Name() != "" {
		t.Error("types are known that are not")
	}
	for _, c := range []struct {
		t       libxc.Type
		version uint32
		g       libxc.Guest
		in      bool
	}{
		{libxc.PageData, 2, libxc.PV, true}, {libxc.PVInfoType, 3, libxc.HVM, false}, {libxc.HVMContext, 3, libxc.PV, false},
		{libxc.DomainContext, 3, libxc.PV, false}, {libxc.DomainContext, 4, libxc.HVM, true}, {libxc.SharedInfo, 4, libxc.PV, false},
		{libxc.StaticDataEnd, 2, libxc.PV, false}, {libxc.Toolstack, 2, libxc.HVM, false}, {libxc.End, 4, 7, false},
	} {
		if info, _ := libxc.Lookup(c.t); info.In(c.version, c.g) != c.in {
			t.Errorf("%s in version %d of %v: want %v", c.t.Name(), c.version, c.g, c.in)
		}
	}
	if got := fmt.Sprint(libxc.PV, libxc.HVM, libxc.Guest(3)); got != "pv hvm Guest(3)" {
		t.Error(got)
	}
	if libxc.ParamName(1) != "STORE_PFN" || libxc.ParamName(38) != "MCA_CAP" || libxc.ParamName(4) != "" || libxc.ParamName(39) != "" {
		t.Error("parameters have other names")
	}
}

func TestAppendRecord(t *testing.T) {
	for body, want := range map[string]string{
		"":          "\x11\x00\x00\x00\x00\x00\x00\x00",
		"abc":       "\x11\x00\x00\x00\x03\x00\x00\x00abc\x00\x00\x00\x00\x00",
		"12345678":  "\x11\x00\x00\x00\x08\x00\x00\x0012345678",
		"123456789": "\x11\x00\x00\x00\x09\x00\x00\x00123456789\x00\x00\x00\x00\x00\x00\x00",
	} {
		if got := libxc.AppendRecord([]byte("before"), libxc.CPUIDPolicy, []byte(body)); string(got) != "before"+want {
			t.Errorf("%q: %q", body, got)
		}
	}
}

func TestP2MFrames(t *testing.T) {
	for _, c := range []struct {
		r     libxc.P2MRange
		width uint8
		want  uint64
	}{
		{libxc.P2MRange{End: 65535}, 8, 128}, {libxc.P2MRange{End: 65536}, 8, 129}, {libxc.P2MRange{End: 65535}, 4, 64},
		{libxc.P2MRange{}, 8, 1}, {libxc.P2MRange{Start: 511, End: 512}, 8, 2}, {libxc.P2MRange{End: 1<<32 - 1}, 8, 1 << 23},
		{libxc.P2MRange{End: 4095}, 0, 1},
	} {
		if got := c.r.Frames(c.width); got != c.want {
			t.Errorf("%+v by %d: %d, want %d", c.r, c.width, got, c.want)
		}
	}
}

// What decodes encodes to the same bytes.
func FuzzParse(f *testing.F) {
	for _, c := range codecs {
		f.Add(c.bytes)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range codecs {
			if again, err := c.again(b); err == nil && !bytes.HasPrefix(b, again) {
				t.Errorf("%s: %x becomes %x", c.name, b, again)
			}
		}
		es := libxc.Entries(b)
		for i := range es.Len() {
			e := es.At(i)
			if again := libxc.NewEntry(e.PFN(), e.Type()); again != e&^libxc.ReservedBits {
				t.Errorf("%#x becomes %#x", e, again)
			}
			_, _ = e.Type().String(), e.Type().Level()
		}
		if r, err := libxc.ParseRecordHeader(b); err == nil {
			info, known := libxc.Lookup(r.Type)
			if info.Fits(r.Length) && known && r.Length < info.MinLength {
				t.Errorf("%s fits %d bytes", info.Name, r.Length)
			}
		}
		if p, err := libxc.ParseP2MRange(b); err == nil && p.End >= p.Start && len(b) > 8 {
			if n := p.Frames(b[8]); n == 0 || n > 1<<32 {
				t.Errorf("%+v has %d frames", p, n)
			}
		}
	})
}

// Two pages and a hole.
func ExampleAppendPageData() {
	entries := []libxc.Entry{libxc.NewEntry(7, libxc.NoTab), libxc.NewEntry(8, libxc.XTab), libxc.NewEntry(9, libxc.L1Tab)}
	b := libxc.AppendPageData(nil, entries, make([]byte, 2*libxc.PageSize))
	h, err := libxc.ParsePageDataHeader(b[libxc.RecordHeaderSize:])
	if err != nil {
		fmt.Println(err)
		return
	}
	table := libxc.Entries(b[libxc.RecordHeaderSize+libxc.PageDataHeaderSize:])[:h.Count*libxc.EntrySize]
	for i := range table.Len() {
		fmt.Println(table.At(i).PFN(), table.At(i).Type(), table.At(i).Type().HasData())
	}
	// Output:
	// 7 NOTAB true
	// 8 XTAB false
	// 9 L1TAB true
}
