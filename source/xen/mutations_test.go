package xen_test

import (
	"encoding/binary"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// mutation breaks one rule of a stream that has what it takes.
type mutation struct {
	rule     frame.Rule
	severity string // as in docs/spec/xen-streams.md
	name     string
	when     func(*parts) bool // nil for all streams
	do       func(*parts)
}

func isPV(p *parts) bool  { return p.domain.Guest == libxc.PV }
func isHVM(p *parts) bool { return p.domain.Guest == libxc.HVM }
func isV2(p *parts) bool  { return p.image.Version == 2 }
func isV4(p *parts) bool  { return p.image.Version == 4 }
func from3(p *parts) bool { return p.image.Version >= 3 }
func to3(p *parts) bool   { return p.image.Version <= 3 }

// hasModel says that there is a device model.
func hasModel(p *parts) bool { return len(p.after) > 1 }

// hasStore says that there is xenstore data.
func hasStore(p *parts) bool { return len(p.after) > 2 }

func all(fs ...func(*parts) bool) func(*parts) bool {
	return func(p *parts) bool {
		for _, f := range fs {
			if !f(p) {
				return false
			}
		}
		return true
	}
}

// put overwrites bytes of a body.
func put(r *rec, at int, b ...byte) { copy(r.body[at:], b) }

// entry changes the i-th entry of the first record of pages.
func entry(p *parts, i int, change func(libxc.Entry) libxc.Entry) {
	b := p.rec(libxc.PageData).body[libxc.PageDataHeaderSize+libxc.EntrySize*i:]
	binary.LittleEndian.PutUint64(b, uint64(change(libxc.Entries(b).At(0))))
}

// emulatorIn puts a device model's record in front of libxl's END.
func emulatorIn(p *parts, t libxl.Type, data string) {
	body := append(libxl.Emulator{ID: libxl.EmulatorQEMU}.Append(nil), data...)
	p.after = append([]rec{{typ: uint32(t), body: body}}, p.after...)
}

// store replaces the xenstore data.
func store(data string) func(*parts) {
	return func(p *parts) {
		r := find(p.after, uint32(libxl.EmulatorXenstoreData))
		r.body = append(r.body[:libxl.EmulatorSize:libxl.EmulatorSize], data...)
	}
}

var mutations = []mutation{
	{"XS-10", "fatal", "magic", nil, nil}, // see TestMagic
	{"XS-11", "fatal", "big-endian", nil, func(p *parts) { p.xl.ByteOrder = xl.SwappedByteOrder }},
	{"XS-11", "fatal", "no byte order", nil, func(p *parts) { p.xl.ByteOrder = 0 }},
	{"XS-12", "fatal", "mandatory flag", nil, func(p *parts) { p.xl.Mandatory |= 4 }},
	{"XS-12", "fatal", "high mandatory flag", nil, func(p *parts) { p.xl.Mandatory |= 1 << 31 }},
	{"XS-13", "fatal", "legacy", nil, func(p *parts) { p.xl.Mandatory &^= xl.FlagStreamV2 }},
	{"XS-14", "fatal", "huge optional data", nil, func(p *parts) { p.xl.DataLength = 1<<32 - 1 }},
	{"XS-15", "fatal", "short optional data", nil, func(p *parts) { p.xl.DataLength = 3 }},
	{"XS-15", "fatal", "long configuration", nil, func(p *parts) { p.data[0]++ }},
	{"XS-16", "verify", "optional flags", nil, func(p *parts) { p.xl.Optional = 1 << 31 }},
	{"XS-17", "verify", "bytes behind the configuration", nil, func(p *parts) {
		p.data = append(p.data, 0)
		p.xl.DataLength++
	}},
	{"XS-18", "verify", "JSON flag clear", nil, func(p *parts) { p.xl.Mandatory &^= xl.FlagJSON }},
	{"XS-18", "verify", "JSON flag and no data", nil, func(p *parts) { p.data, p.xl.DataLength = nil, 0 }},
	{"XS-19", "verify", "no NUL", nil, func(p *parts) { p.data[len(p.data)-1] = ' ' }},
	{"XS-19", "verify", "NUL within", nil, func(p *parts) { p.config("{}\x00\x00") }},
	{"XS-20", "verify", "no JSON", nil, func(p *parts) { p.config("{'c_info'}\x00") }},
	{"XS-20", "verify", "no object", nil, func(p *parts) { p.config("[1]\x00") }},
	{"XS-20", "verify", "no configuration", nil, func(p *parts) { p.config("\x00") }},
	{"XS-21", "verify", "no such type", nil, func(p *parts) { p.config(`{"c_info":{"type":"pvhvm"}}` + "\x00") }},
	{"XS-21", "verify", "another type", isPV, func(p *parts) { p.config(`{"c_info":{"type":"pvh"}}` + "\x00") }},
	{"XS-21", "verify", "another type", isHVM, func(p *parts) { p.config(`{"c_info":{"type":"pv"}}` + "\x00") }},

	{"XS-30", "fatal", "ident", nil, func(p *parts) { p.libxl.Ident++ }},
	{"XS-31", "fatal", "version 1", nil, func(p *parts) { p.libxl.Version = 1 }},
	{"XS-31", "fatal", "version 3", nil, func(p *parts) { p.libxl.Version = 3 }},
	{"XS-32", "fatal", "big-endian", nil, func(p *parts) { p.libxl.Options = libxl.OptionBigEndian }},
	{"XS-33", "verify", "low reserved option", nil, func(p *parts) { p.libxl.Options = 4 }},
	{"XS-33", "verify", "high reserved option", nil, func(p *parts) { p.libxl.Options = 1 << 16 }},
	{"XS-34", "load", "unknown type", nil, func(p *parts) { p.after = append([]rec{{typ: 6}}, p.after...) }},
	{"XS-34", "load", "optional type", nil, func(p *parts) { p.after = append([]rec{{typ: 1<<31 | 1, body: []byte{1}}}, p.after...) }},
	{"XS-35", "fatal", "huge record", nil, func(p *parts) { p.after[len(p.after)-1] = rec{typ: 3, length: 1<<32 - 1} }},
	{"XS-36", "verify", "padding", hasModel, func(p *parts) {
		r := find(p.after, uint32(libxl.EmulatorContext))
		r.body, r.pad = append(r.body[:16:16], 1), 1
	}},
	{"XS-37", "verify", "END with a body", nil, func(p *parts) { p.after[len(p.after)-1].body = make([]byte, 8) }},
	{"XS-37", "verify", "LIBXC_CONTEXT with a body", nil, func(p *parts) { p.before[0].body = []byte{0} }},
	{"XS-38", "fatal", "END first", nil, func(p *parts) { p.before = append([]rec{{typ: uint32(libxl.End)}}, p.before...) }},
	{"XS-38", "fatal", "LIBXC_CONTEXT twice", nil, func(p *parts) { p.after = append([]rec{{typ: uint32(libxl.LibxcContext)}}, p.after...) }},
	{"XS-39", "verify", "device model first", hasModel, func(p *parts) {
		p.before = append([]rec{p.after[0]}, p.before...)
		p.after = p.after[1:]
	}},
	{"XS-40", "load", "device model of PV", isPV, func(p *parts) { emulatorIn(p, libxl.EmulatorContext, "x") }},
	{"XS-40", "load", "device model of PVH", func(p *parts) bool { return isHVM(p) && !hasModel(p) },
		func(p *parts) { emulatorIn(p, libxl.EmulatorContext, "x") }},
	{"XS-41", "load", "short record", hasModel, func(p *parts) { p.after[len(p.after)-2].body = make([]byte, 7) }},
	{"XS-42", "verify", "emulator", hasModel, func(p *parts) { p.after[0].body[0] = 3 }},
	{"XS-43", "load", "odd number of strings", hasStore, store("a\x00b\x00c\x00")},
	{"XS-43", "load", "no NUL", hasStore, store("a\x00b")},
	{"XS-43", "load", "key without NUL", hasStore, store("a\x00b\x00c")},
	{"XS-43", "load", "empty key", hasStore, store("a\x00b\x00\x00b\x00")},
	{"XS-43", "load", "absolute key", hasStore, store("/a\x00b\x00")},
	{"XS-44", "verify", "two contexts", hasModel, func(p *parts) { emulatorIn(p, libxl.EmulatorContext, "x") }},
	{"XS-44", "verify", "xenstore data last", hasStore, func(p *parts) { p.after[0], p.after[1] = p.after[1], p.after[0] }},
	{"XS-45", "verify", "no device model", hasModel, func(p *parts) { p.after = p.after[len(p.after)-1:] }},
	{"XS-46", "fatal", "CHECKPOINT_END", nil, func(p *parts) { p.after = append([]rec{{typ: uint32(libxl.CheckpointEnd)}}, p.after...) }},
	{"XS-46", "fatal", "CHECKPOINT_STATE", nil, func(p *parts) {
		p.after = append([]rec{{typ: uint32(libxl.CheckpointState), body: make([]byte, 4)}}, p.after...)
	}},
	{"XS-47", "verify", "a byte behind", nil, func(p *parts) { p.tail = []byte{0} }},
	{"XS-47", "verify", "another END", nil, func(p *parts) { p.tail = make([]byte, 8) }},
	{"XS-47", "verify", "half a message", nil, func(p *parts) { p.tail = []byte(xl.Clearance[:20]) }},
	{"XS-47", "verify", "more than the message", nil, func(p *parts) { p.tail = []byte(xl.Clearance + "!") }},
	{"XS-47", "verify", "another message", nil, func(p *parts) { p.tail = []byte(xl.Clearance[:43] + "!") }},

	{"XS-50", "fatal", "marker", nil, func(p *parts) { p.image.Marker-- }},
	{"XS-50", "fatal", "id", nil, func(p *parts) { p.image.ID++ }},
	{"XS-51", "fatal", "version 1", nil, func(p *parts) { p.image.Version = 1 }},
	{"XS-51", "fatal", "version 5", nil, func(p *parts) { p.image.Version = 5 }},
	{"XS-52", "fatal", "big-endian", nil, func(p *parts) { p.image.Options = libxc.OptionBigEndian }},
	{"XS-53", "verify", "options", nil, func(p *parts) { p.image.Options = 1 << 15 }},
	{"XS-53", "verify", "reserved u16", nil, func(p *parts) { p.image.Reserved1 = 1 }},
	{"XS-53", "verify", "reserved u32", nil, func(p *parts) { p.image.Reserved2 = 1 << 31 }},
	{"XS-53", "verify", "domain header", nil, func(p *parts) { p.domain.Reserved = 1 }},
	{"XS-53", "verify", "PAGE_DATA", nil, func(p *parts) { put(p.rec(libxc.PageData), 7, 1) }},
	{"XS-53", "verify", "X86_PV_INFO", isPV, func(p *parts) { put(p.rec(libxc.PVInfoType), 7, 1) }},
	{"XS-53", "verify", "X86_PV_VCPU_BASIC", isPV, func(p *parts) { put(p.rec(libxc.VCPUBasic), 4, 1) }},
	{"XS-53", "verify", "X86_TSC_INFO", to3, func(p *parts) { put(p.rec(libxc.TSCInfoType), 20, 1) }},
	{"XS-53", "verify", "HVM_PARAMS", isHVM, func(p *parts) { put(p.rec(libxc.HVMParams), 4, 1) }},
	{"XS-54", "fatal", "type 0", nil, func(p *parts) { p.domain.Guest = 0 }},
	{"XS-54", "fatal", "type 3", nil, func(p *parts) { p.domain.Guest = 3 }},
	{"XS-55", "fatal", "page_shift", nil, func(p *parts) { p.domain.PageShift = 13 }},
	{"XS-56", "fatal", "huge record", nil, func(p *parts) { p.insert(libxc.PageData, rec{typ: 1 << 31, length: 128<<20 + 1}) }},
	{"XS-57", "load", "unknown type", nil, func(p *parts) { p.insert(libxc.End, rec{typ: 0x14, body: []byte{1}}) }},
	{"XS-58", "verify", "optional type", nil, func(p *parts) { p.insert(libxc.End, rec{typ: 1<<31 | 7, body: []byte{1}}) }},
	{"XS-59", "load", "TOOLSTACK", nil, func(p *parts) { p.insert(libxc.End, rec{typ: uint32(libxc.Toolstack)}) }},
	{"XS-59", "load", "dirty pfns", nil, func(p *parts) { p.insert(libxc.End, rec{typ: uint32(libxc.CheckpointDirtyPFNList)}) }},
	{"XS-59", "load", "HVM record in PV", isPV, func(p *parts) { p.insert(libxc.End, rec{typ: uint32(libxc.HVMParams), body: make([]byte, 8)}) }},
	{"XS-59", "load", "PV record in HVM", isHVM, func(p *parts) { p.insert(libxc.End, rec{typ: uint32(libxc.SharedInfo), body: make([]byte, 4096)}) }},
	{"XS-59", "load", "DOMAIN_CONTEXT", to3, func(p *parts) {
		p.insert(libxc.End, rec{typ: uint32(libxc.DomainContext), body: domainContext(frame.Wide)})
	}},
	{"XS-59", "load", "SHARED_INFO in 4", all(isV4, isPV), func(p *parts) {
		p.insert(libxc.DomainContext, rec{typ: uint32(libxc.SharedInfo), body: make([]byte, 4096)})
	}},
	{"XS-59", "load", "X86_TSC_INFO in 4", isV4, func(p *parts) {
		p.insert(libxc.DomainContext, rec{typ: uint32(libxc.TSCInfoType), body: make([]byte, 24)})
	}},
	{"XS-60", "load", "SHARED_INFO", all(isPV, to3), func(p *parts) { p.rec(libxc.SharedInfo).body = make([]byte, 4095) }},
	{"XS-60", "load", "X86_TSC_INFO", to3, func(p *parts) { p.rec(libxc.TSCInfoType).body = make([]byte, 20) }},
	{"XS-60", "load", "long X86_TSC_INFO", to3, func(p *parts) { p.rec(libxc.TSCInfoType).body = make([]byte, 32) }},
	{"XS-60", "verify", "long X86_PV_INFO", isPV, func(p *parts) { r := p.rec(libxc.PVInfoType); r.body = append(r.body, 0) }},
	{"XS-60", "load", "short X86_PV_INFO", all(isPV), func(p *parts) { r := p.rec(libxc.PVInfoType); r.body = r.body[:7] }},
	{"XS-60", "load", "empty HVM_CONTEXT", isHVM, func(p *parts) { p.rec(libxc.HVMContext).body = nil }},
	{"XS-60", "load", "empty DOMAIN_CONTEXT", isV4, func(p *parts) { p.rec(libxc.DomainContext).body = nil }},
	{"XS-60", "load", "CPUID policy", from3, func(p *parts) { p.rec(libxc.CPUIDPolicy).body = make([]byte, 25) }},
	{"XS-60", "load", "empty MSR policy", from3, func(p *parts) { p.rec(libxc.MSRPolicy).body = nil }},
	{"XS-60", "load", "HVM_PARAMS", isHVM, func(p *parts) { p.rec(libxc.HVMParams).body = make([]byte, 7) }},
	{"XS-60", "load", "processor", isPV, func(p *parts) { p.rec(libxc.VCPUBasic).body = make([]byte, 7) }},
	{"XS-60", "load", "MSRs", func(p *parts) bool { return p.has(libxc.VCPUMSRs) }, func(p *parts) { p.rec(libxc.VCPUMSRs).body = make([]byte, 9) }},
	{"XS-60", "load", "short PAGE_DATA", nil, func(p *parts) { p.rec(libxc.PageData).body = make([]byte, 8) }},
	{"XS-61", "verify", "padding", isPV, func(p *parts) {
		r := p.rec(libxc.VCPUExtended)
		r.body, r.pad = append(r.body[:len(r.body):len(r.body)], 0), 1
	}},
	{"XS-62", "verify", "END with a body", nil, func(p *parts) { p.rec(libxc.End).body = make([]byte, 1) }},
	{"XS-62", "verify", "STATIC_DATA_END with a body", from3, func(p *parts) { p.rec(libxc.StaticDataEnd).body = make([]byte, 1) }},
	{"XS-62", "verify", "VERIFY with a body", nil, func(p *parts) { p.insert(libxc.PageData, rec{typ: uint32(libxc.Verify), body: make([]byte, 1)}) }},
	{"XS-63", "verify", "STATIC_DATA_END in 2", isV2, func(p *parts) { p.insert(libxc.PageData, rec{typ: uint32(libxc.StaticDataEnd)}) }},
	{"XS-63", "verify", "policy in 2", isV2, func(p *parts) { p.insert(libxc.PageData, rec{typ: uint32(libxc.MSRPolicy), body: make([]byte, 16)}) }},
	{"XS-64", "load", "no STATIC_DATA_END", from3, func(p *parts) { p.drop(libxc.StaticDataEnd) }},
	{"XS-64", "load", "two of them", from3, func(p *parts) { p.insert(libxc.StaticDataEnd, rec{typ: uint32(libxc.StaticDataEnd)}) }},
	{"XS-65", "verify", "pages last", nil, func(p *parts) { p.insert(libxc.End, *p.rec(libxc.PageData)) }},
	{"XS-65", "verify", "late policy", from3, func(p *parts) {
		r := *p.rec(libxc.MSRPolicy)
		p.drop(libxc.MSRPolicy)
		p.insert(libxc.PageData, r)
	}},
	{"XS-65", "verify", "late DOMAIN_CONTEXT", isV4, func(p *parts) {
		r := *p.rec(libxc.DomainContext)
		p.drop(libxc.DomainContext)
		p.insert(libxc.End, r)
	}},
	{"XS-66", "load", "two X86_PV_INFO", isPV, func(p *parts) { p.insert(libxc.PVInfoType, *p.rec(libxc.PVInfoType)) }},
	{"XS-66", "verify", "two X86_TSC_INFO", to3, func(p *parts) { p.insert(libxc.TSCInfoType, *p.rec(libxc.TSCInfoType)) }},
	{"XS-66", "verify", "two SHARED_INFO", all(isPV, to3), func(p *parts) { p.insert(libxc.SharedInfo, *p.rec(libxc.SharedInfo)) }},
	{"XS-66", "verify", "two HVM_CONTEXT", isHVM, func(p *parts) { p.insert(libxc.HVMContext, *p.rec(libxc.HVMContext)) }},
	{"XS-66", "verify", "two HVM_PARAMS", isHVM, func(p *parts) { p.insert(libxc.HVMParams, *p.rec(libxc.HVMParams)) }},
	{"XS-66", "verify", "two DOMAIN_CONTEXT", isV4, func(p *parts) { p.insert(libxc.DomainContext, *p.rec(libxc.DomainContext)) }},
	{"XS-66", "verify", "two policies", from3, func(p *parts) { p.insert(libxc.MSRPolicy, *p.rec(libxc.MSRPolicy)) }},
	{"XS-66", "verify", "two P2M_FRAMES", isPV, func(p *parts) { p.insert(libxc.P2MFrames, *p.rec(libxc.P2MFrames)) }},
	{"XS-67", "load", "no X86_PV_INFO", isPV, func(p *parts) { p.drop(libxc.PVInfoType) }},
	{"XS-67", "load", "no P2M_FRAMES", isPV, func(p *parts) { p.drop(libxc.P2MFrames) }},
	{"XS-68", "load", "no processor", isPV, func(p *parts) { p.drop(libxc.VCPUBasic) }},
	{"XS-68", "load", "processor without state", isPV, func(p *parts) { r := p.rec(libxc.VCPUBasic); r.body = r.body[:8] }},
	{"XS-68", "load", "no HVM_CONTEXT", isHVM, func(p *parts) { p.drop(libxc.HVMContext) }},
	{"XS-68", "load", "no DOMAIN_CONTEXT", isV4, func(p *parts) { p.drop(libxc.DomainContext) }},
	{"XS-69", "verify", "no pages", nil, func(p *parts) { p.drop(libxc.PageData) }},
	{"XS-69", "verify", "no HVM_PARAMS", isHVM, func(p *parts) { p.drop(libxc.HVMParams) }},
	{"XS-69", "verify", "no X86_TSC_INFO", to3, func(p *parts) { p.drop(libxc.TSCInfoType) }},
	{"XS-69", "verify", "no SHARED_INFO", all(isPV, to3), func(p *parts) { p.drop(libxc.SharedInfo) }},
	{"XS-70", "fatal", "CHECKPOINT", nil, func(p *parts) { p.insert(libxc.End, rec{typ: uint32(libxc.Checkpoint)}) }},
	{"XS-71", "verify", "bytes behind", nil, nil}, // see TestBehindLibxc

	{"XS-80", "load", "levels", isPV, func(p *parts) { put(p.rec(libxc.PVInfoType), 1, 3) }},
	{"XS-80", "load", "width", isPV, func(p *parts) { put(p.rec(libxc.PVInfoType), 0, 5) }},
	{"XS-81", "load", "falling range", isPV, func(p *parts) { put(p.rec(libxc.P2MFrames), 0, 0xff, 0xff, 0xff, 0xff) }},
	{"XS-81", "load", "frames", isPV, func(p *parts) { r := p.rec(libxc.P2MFrames); r.body = append(r.body, make([]byte, 8)...) }},
	{"XS-82", "load", "high frame", isPV, func(p *parts) { put(p.rec(libxc.P2MFrames), 8+4, 1) }},
	{"XS-83", "load", "processor 8192", isPV, func(p *parts) { put(p.rec(libxc.VCPUExtended), 1, 0x20) }},
	{"XS-83", "verify", "processor 2", isPV, func(p *parts) { put(p.rec(libxc.VCPUExtended), 0, 2) }},
	{"XS-84", "load", "BASIC", isPV, func(p *parts) { r := p.rec(libxc.VCPUBasic); r.body = r.body[:8+libxc.VCPUBasic32] }},
	{"XS-84", "load", "EXTENDED", isPV, func(p *parts) { p.rec(libxc.VCPUExtended).body = make([]byte, 8+136) }},
	{"XS-84", "load", "XSAVE", isPV, func(p *parts) { p.rec(libxc.VCPUXSave).body = make([]byte, 8+8) }},
	{"XS-85", "verify", "twice", isPV, func(p *parts) { p.insert(libxc.End, *p.rec(libxc.VCPUBasic)) }},
	{"XS-85", "verify", "XSAVE twice", isPV, func(p *parts) { p.insert(libxc.End, *p.rec(libxc.VCPUXSave)) }},
	{"XS-86", "load", "mode", to3, func(p *parts) { put(p.rec(libxc.TSCInfoType), 0, 3) }},
	{"XS-87", "load", "count", isHVM, func(p *parts) { p.rec(libxc.HVMParams).body[0]++ }},

	{"XS-90", "load", "no entries", nil, func(p *parts) { put(p.rec(libxc.PageData), 0, 0, 0, 0, 0) }},
	{"XS-90", "load", "too many entries", nil, func(p *parts) { put(p.rec(libxc.PageData), 0, 0xff, 0xff, 0xff, 0xff) }},
	{"XS-90", "load", "a page missing", nil, func(p *parts) { r := p.rec(libxc.PageData); r.body = r.body[:len(r.body)-libxc.PageSize] }},
	{"XS-90", "load", "a word too many", nil, func(p *parts) { r := p.rec(libxc.PageData); r.body = append(r.body, make([]byte, 8)...) }},
	{"XS-91", "load", "type 5", nil, func(p *parts) {
		entry(p, 1, func(e libxc.Entry) libxc.Entry { return libxc.NewEntry(e.PFN(), 5) })
	}},
	{"XS-92", "load", "pfn", nil, func(p *parts) {
		entry(p, 2, func(e libxc.Entry) libxc.Entry { return libxc.NewEntry(1<<32, e.Type()) })
	}},
	{"XS-92", "load", "pfn above the p2m", isPV, func(p *parts) {
		entry(p, 2, func(e libxc.Entry) libxc.Entry { return libxc.NewEntry(65536, e.Type()) })
	}},
	{"XS-93", "verify", "bit 52", nil, func(p *parts) { entry(p, 1, func(e libxc.Entry) libxc.Entry { return e | 1<<52 }) }},
	{"XS-93", "verify", "bit 59", nil, func(p *parts) { entry(p, 0, func(e libxc.Entry) libxc.Entry { return e | 1<<59 }) }},
	{"XS-94", "verify", "pfn 0 twice", nil, func(p *parts) {
		entry(p, 1, func(e libxc.Entry) libxc.Entry { return libxc.NewEntry(0, e.Type()) })
	}},
	{"XS-95", "verify", "too much memory", isHVM, func(p *parts) {
		p.config(`{"b_info":{"max_memkb":4}}` + "\x00")
		types := make([]libxc.PageType, 4100)
		for i := range types {
			types[i] = libxc.XAlloc
		}
		p.addPages(1<<20, types...)
		r := p.recs[len(p.recs)-1]
		p.recs = p.recs[:len(p.recs)-1]
		p.insert(libxc.PageData, r)
	}},
	{"XS-96", "verify", "32-bit context", all(isV4, isPV), func(p *parts) {
		put(p.rec(libxc.PVInfoType), 0, 4, 3)
		narrow(p)
	}},
}

// narrow gives a stream what else a 32-bit guest has.
func narrow(p *parts) {
	r := p.rec(libxc.P2MFrames)
	put(r, 4, 0xff, 0x03) // one frame maps 1024 pages
	for i := range p.recs {
		if r := &p.recs[i]; r.typ == uint32(libxc.VCPUBasic) {
			r.body = r.body[:libxc.VCPUHeaderSize+libxc.VCPUBasic32]
		}
	}
}
