package xen_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// parts is a stream taken apart, so that a test can change one thing and put it
// together again.
type parts struct {
	xl     xl.Header
	data   []byte // xl's optional data
	libxl  libxl.Header
	before []rec // records of libxl, LIBXC_CONTEXT included
	image  libxc.ImageHeader
	domain libxc.DomainHeader
	recs   []rec // of libxc
	after  []rec // of libxl
	tail   []byte
}

// rec is a record of either layer. Its length and padding are right unless they
// are set.
type rec struct {
	typ    uint32
	body   []byte
	length uint32 // if not 0
	pad    byte
}

func (r rec) append(dst []byte) []byte {
	n := uint32(len(r.body))
	if r.length != 0 {
		n = r.length
	}
	dst = libxc.RecordHeader{Type: libxc.Type(r.typ), Length: n}.Append(dst)
	dst = append(dst, r.body...)
	return append(dst, bytes.Repeat([]byte{r.pad}, frame.Padding(uint64(len(r.body))))...)
}

func (p *parts) bytes() []byte {
	dst := p.xl.Append(nil)
	dst = append(dst, p.data...)
	dst = p.libxl.Append(dst)
	for _, r := range p.before {
		dst = r.append(dst)
	}
	dst = p.libxc(dst)
	for _, r := range p.after {
		dst = r.append(dst)
	}
	return append(dst, p.tail...)
}

func (p *parts) libxc(dst []byte) []byte {
	dst = p.image.Append(dst)
	dst = p.domain.Append(dst)
	for _, r := range p.recs {
		dst = r.append(dst)
	}
	return dst
}

// clone copies everything that a test may change.
func (p *parts) clone() *parts {
	c := *p
	c.data = bytes.Clone(p.data)
	c.before, c.recs, c.after = cloneRecs(p.before), cloneRecs(p.recs), cloneRecs(p.after)
	return &c
}

func cloneRecs(rs []rec) []rec {
	out := slices.Clone(rs)
	for i := range out {
		out[i].body = bytes.Clone(out[i].body)
	}
	return out
}

// find gives the first record of a type, which must be there.
func find(rs []rec, typ uint32) *rec {
	for i := range rs {
		if rs[i].typ == typ {
			return &rs[i]
		}
	}
	panic(fmt.Sprintf("no record of type %#x", typ))
}

func (p *parts) rec(t libxc.Type) *rec { return find(p.recs, uint32(t)) }
func (p *parts) index(t libxc.Type) int {
	return slices.IndexFunc(p.recs, func(r rec) bool { return r.typ == uint32(t) })
}
func (p *parts) has(t libxc.Type) bool { return p.index(t) >= 0 }

// drop removes all records of a type.
func (p *parts) drop(t libxc.Type) {
	p.recs = slices.DeleteFunc(p.recs, func(r rec) bool { return r.typ == uint32(t) })
}

// insert puts a record in front of the first of a type.
func (p *parts) insert(before libxc.Type, r rec) { p.recs = slices.Insert(p.recs, p.index(before), r) }

// config replaces the configuration.
func (p *parts) config(text string) {
	p.data = binary.LittleEndian.AppendUint32(nil, uint32(len(text)))
	p.data = append(p.data, text...)
	p.xl.DataLength = uint32(len(p.data))
}

// takeApart is a parser of its own: it follows lengths and judges nothing.
func takeApart(tb testing.TB, b []byte) *parts {
	tb.Helper()
	p := &parts{}
	var err error
	must := func() {
		if err != nil {
			tb.Fatal(err)
		}
	}
	take := func(n int) []byte {
		out := b[:n]
		b = b[n:]
		return out
	}
	p.xl, err = xl.ParseHeader(take(xl.HeaderSize))
	must()
	p.data = take(int(p.xl.DataLength))
	p.libxl, err = libxl.ParseHeader(take(libxl.HeaderSize))
	must()
	records := func(last uint32) (rs []rec) {
		for {
			h, err := libxc.ParseRecordHeader(take(libxc.RecordHeaderSize))
			if err != nil {
				tb.Fatal(err)
			}
			r := rec{typ: uint32(h.Type), body: take(int(h.Length))}
			take(frame.Padding(uint64(h.Length)))
			rs = append(rs, r)
			if r.typ == last {
				return rs
			}
		}
	}
	p.before = records(uint32(libxl.LibxcContext))
	p.image, err = libxc.ParseImageHeader(take(libxc.ImageHeaderSize))
	must()
	p.domain, err = libxc.ParseDomainHeader(take(libxc.DomainHeaderSize))
	must()
	p.recs = records(uint32(libxc.End))
	p.after = records(uint32(libxl.End))
	p.tail = b
	return p
}

// synthetic makes a small stream of a guest. It has a domain context of that
// layout if the version is 4.
func synthetic(guest, domain string, version uint32, l frame.Layout) *parts {
	p := &parts{libxl: libxl.NewHeader(), image: libxc.NewImageHeader(version)}
	p.xl = xl.Header{ByteOrder: xl.ByteOrder, Mandatory: xl.KnownFlags}
	p.config(fmt.Sprintf(`{"c_info":{"name":"made","type":%q},"b_info":{"max_vcpus":2,"max_memkb":8192,"target_memkb":8192}}`, domain) + "\x00")
	p.before = []rec{{typ: uint32(libxl.LibxcContext)}}
	p.domain = libxc.DomainHeader{Guest: libxc.HVM, PageShift: libxc.PageShift, Xen: frame.XenVersion{Major: 4, Minor: 17}}
	add := func(t libxc.Type, body []byte) { p.recs = append(p.recs, rec{typ: uint32(t), body: body}) }
	pv := guest == "pv"
	if pv {
		p.domain.Guest = libxc.PV
		add(libxc.PVInfoType, libxc.PVInfo{Width: 8, Levels: 4}.Append(nil))
	}
	if version >= 3 {
		add(libxc.CPUIDPolicy, make([]byte, 48))
		add(libxc.MSRPolicy, make([]byte, 16))
		add(libxc.StaticDataEnd, nil)
	}
	if pv {
		add(libxc.P2MFrames, binary.LittleEndian.AppendUint64(libxc.P2MRange{End: 511}.Append(nil), 7))
	}
	p.addPages(0, libxc.NoTab, libxc.XTab, libxc.NoTab)
	p.addPages(3, libxc.XTab, libxc.XTab)
	p.addPages(0, libxc.NoTab, libxc.XAlloc)
	switch {
	case version >= 4:
		add(libxc.DomainContext, domainContext(l))
	case pv:
		add(libxc.TSCInfoType, libxc.TSCInfo{KHz: 1000000}.Append(nil))
		add(libxc.SharedInfo, make([]byte, libxc.PageSize))
	default:
		add(libxc.TSCInfoType, libxc.TSCInfo{Mode: 2}.Append(nil))
	}
	if pv {
		add(libxc.VCPUBasic, append(libxc.VCPUHeader{}.Append(nil), make([]byte, libxc.VCPUBasic64)...))
		add(libxc.VCPUExtended, append(libxc.VCPUHeader{}.Append(nil), make([]byte, 64)...))
		add(libxc.VCPUXSave, append(libxc.VCPUHeader{}.Append(nil), make([]byte, 592)...))
		add(libxc.VCPUMSRs, append(libxc.VCPUHeader{}.Append(nil), make([]byte, 32)...))
		add(libxc.VCPUBasic, append(libxc.VCPUHeader{VCPU: 1}.Append(nil), make([]byte, libxc.VCPUBasic64)...))
	} else {
		add(libxc.HVMContext, hvmContext())
		params := libxc.ParamsHeader{Count: 1}.Append(nil)
		params = binary.LittleEndian.AppendUint64(params, 1)
		add(libxc.HVMParams, binary.LittleEndian.AppendUint64(params, 0xfeffc))
	}
	add(libxc.End, nil)
	if domain == "hvm" {
		e := libxl.Emulator{ID: libxl.EmulatorQEMU}
		p.after = append(p.after,
			rec{typ: uint32(libxl.EmulatorXenstoreData), body: append(e.Append(nil), "physmap/1/size\x004096\x00physmap/1/name\x00\x00"...)},
			rec{typ: uint32(libxl.EmulatorContext), body: append(e.Append(nil), "QEVM..."...)})
	}
	p.after = append(p.after, rec{typ: uint32(libxl.End)})
	return p
}

// addPages adds a PAGE_DATA record of pages of those types from pfn on.
func (p *parts) addPages(pfn uint64, types ...libxc.PageType) {
	var entries []libxc.Entry
	var pages []byte
	for i, t := range types {
		entries = append(entries, libxc.NewEntry(pfn+uint64(i), t))
		if t.HasData() {
			pages = append(pages, bytes.Repeat([]byte{byte(pfn) + byte(i) + 1}, libxc.PageSize)...)
		}
	}
	b := libxc.AppendPageData(nil, entries, pages)
	p.recs = append(p.recs, rec{typ: uint32(libxc.PageData), body: b[libxc.RecordHeaderSize:]})
}

func domainContext(l frame.Layout) []byte {
	b, err := frame.Header{Layout: l, Xen: frame.XenVersion{Major: 4, Minor: 15}}.Append(nil)
	add := func(t frame.Type, body []byte) {
		d := frame.Descriptor{Type: t, Length: l.StoredLength(uint64(len(body)))}
		if b, err = d.Append(b, l); err != nil {
			panic(err)
		}
		b = append(append(b, body...), make([]byte, frame.Padding(uint64(len(body))))...)
	}
	if err != nil {
		panic(err)
	}
	info := make([]byte, 4, 8+frame.SharedInfo64)
	if l == frame.Compact {
		info = binary.LittleEndian.AppendUint32(info, frame.SharedInfo64)
	}
	add(frame.SharedInfoType, append(info, make([]byte, frame.SharedInfo64)...))
	add(frame.TSCInfoType, frame.TSCInfo{KHz: 1000}.Append(nil, l))
	add(frame.End, nil)
	return b
}

func hvmContext() []byte {
	b := hvm.AppendEntry(nil, hvm.HeaderType, 0, hvm.Header{Magic: hvm.Magic, Version: hvm.HeaderVersion, Changeset: hvm.NoChangeset}.Append(nil))
	b = hvm.AppendEntry(b, hvm.CPUType, 0, make([]byte, hvm.CPUSize))
	return hvm.AppendEnd(b)
}

// made gives synthetic streams of all kinds, by name.
func made() map[string]*parts {
	return map[string]*parts{
		"pv2":        synthetic("pv", "pv", 2, 0),
		"pv3":        synthetic("pv", "pv", 3, 0),
		"pv4compact": synthetic("pv", "pv", 4, frame.Compact),
		"pv4wide":    synthetic("pv", "pv", 4, frame.Wide),
		"hvm2":       synthetic("hvm", "hvm", 2, 0),
		"hvm3":       synthetic("hvm", "hvm", 3, 0),
		"pvh4":       synthetic("hvm", "pvh", 4, frame.Wide),
	}
}
