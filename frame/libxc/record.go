package libxc

import (
	"encoding/binary"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Type is the type of a record (spec §6.2).
type Type uint32

// The types of records. Of those above, the ones with [Optional] set may be
// ignored; none is defined.
const (
	End                    Type = 0x00
	PageData               Type = 0x01
	PVInfoType             Type = 0x02
	P2MFrames              Type = 0x03
	VCPUBasic              Type = 0x04
	VCPUExtended           Type = 0x05
	VCPUXSave              Type = 0x06
	SharedInfo             Type = 0x07
	TSCInfoType            Type = 0x08
	HVMContext             Type = 0x09
	HVMParams              Type = 0x0a
	Toolstack              Type = 0x0b // of streams before Xen 4.9; nobody takes it any more
	VCPUMSRs               Type = 0x0c
	Verify                 Type = 0x0d
	Checkpoint             Type = 0x0e
	CheckpointDirtyPFNList Type = 0x0f // on the way back only
	StaticDataEnd          Type = 0x10
	CPUIDPolicy            Type = 0x11
	MSRPolicy              Type = 0x12
	DomainContext          Type = 0x13 // of the series that Xen never merged

	Optional Type = 1 << 31
)

// MaxRecord is the largest length of a record that Xen takes.
const MaxRecord = 128 << 20

// Info is what is known of a type.
type Info struct {
	// Name is the type's name as Xen spells it.
	Name string
	// PV and HVM say whose stream the record belongs to.
	PV, HVM bool
	// Since and Until are the first and the last version of the stream that
	// has the record.
	Since, Until uint32
	// Repeats says that a stream may have several.
	Repeats bool
	// MinLength is the least length of a body, Unit what the rest of it is a
	// multiple of; a Unit of 0 says that there is no rest.
	MinLength, Unit uint32
}

// infos is the table of spec §6.2; its index is the code.
var infos = [...]Info{
	End:                    {"END", true, true, 2, 4, false, 0, 0},
	PageData:               {"PAGE_DATA", true, true, 2, 4, true, 16, 8},
	PVInfoType:             {"X86_PV_INFO", true, false, 2, 4, false, 8, 0},
	P2MFrames:              {"X86_PV_P2M_FRAMES", true, false, 2, 4, false, 16, 8},
	VCPUBasic:              {"X86_PV_VCPU_BASIC", true, false, 2, 4, true, 8, 1},
	VCPUExtended:           {"X86_PV_VCPU_EXTENDED", true, false, 2, 4, true, 8, 1},
	VCPUXSave:              {"X86_PV_VCPU_XSAVE", true, false, 2, 4, true, 8, 1},
	SharedInfo:             {"SHARED_INFO", true, false, 2, 3, false, 4096, 0},
	TSCInfoType:            {"X86_TSC_INFO", true, true, 2, 3, false, 24, 0},
	HVMContext:             {"HVM_CONTEXT", false, true, 2, 4, false, 1, 1},
	HVMParams:              {"HVM_PARAMS", false, true, 2, 4, false, 8, 16},
	Toolstack:              {"TOOLSTACK", false, false, 2, 4, false, 0, 1},
	VCPUMSRs:               {"X86_PV_VCPU_MSRS", true, false, 2, 4, true, 8, 16},
	Verify:                 {"VERIFY", true, true, 2, 4, false, 0, 0},
	Checkpoint:             {"CHECKPOINT", true, true, 2, 4, true, 0, 0},
	CheckpointDirtyPFNList: {"CHECKPOINT_DIRTY_PFN_LIST", false, false, 2, 4, false, 0, 8},
	StaticDataEnd:          {"STATIC_DATA_END", true, true, 3, 4, false, 0, 0},
	CPUIDPolicy:            {"X86_CPUID_POLICY", true, true, 3, 4, false, 24, 24},
	MSRPolicy:              {"X86_MSR_POLICY", true, true, 3, 4, false, 16, 16},
	DomainContext:          {"DOMAIN_CONTEXT", true, true, 4, 4, false, 1, 1},
}

// Lookup gives what is known of a type, and whether anything is.
func Lookup(t Type) (Info, bool) {
	if int64(t) >= int64(len(infos)) {
		return Info{}, false
	}
	return infos[t], true
}

// Name gives the type's name, or "" for one without.
func (t Type) Name() string {
	i, _ := Lookup(t)
	return i.Name
}

// In says whether a stream of that version, for that kind of guest, may have
// the record.
func (i Info) In(version uint32, g Guest) bool {
	return version >= i.Since && version <= i.Until && (g == PV && i.PV || g == HVM && i.HVM)
}

// Fits says whether a body can have that length, as far as the type alone
// tells.
func (i Info) Fits(length uint32) bool {
	switch {
	case length < i.MinLength:
		return false
	case i.Unit == 0:
		return length == i.MinLength
	}
	return (length-i.MinLength)%i.Unit == 0
}

// RecordHeaderSize is the size of a [RecordHeader] on the wire.
const RecordHeaderSize = 8

// RecordHeader begins a record: type u32 at 0, length u32 at 4. The length
// excludes the padding.
type RecordHeader struct {
	Type   Type
	Length uint32
}

// Append appends the encoded header, [RecordHeaderSize] bytes, to dst.
func (r RecordHeader) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(r.Type))
	return binary.LittleEndian.AppendUint32(dst, r.Length)
}

// ParseRecordHeader reads the header of a record at the start of b. It returns an
// error wrapping io.ErrUnexpectedEOF if b is too short; any bytes decode.
func ParseRecordHeader(b []byte) (RecordHeader, error) {
	if len(b) < RecordHeaderSize {
		return RecordHeader{}, short("record header", RecordHeaderSize, len(b))
	}
	le := binary.LittleEndian
	return RecordHeader{Type(le.Uint32(b)), le.Uint32(b[4:])}, nil
}

// AppendRecord appends a whole record with its padding to dst.
func AppendRecord(dst []byte, t Type, body []byte) []byte {
	dst = RecordHeader{t, uint32(len(body))}.Append(dst)
	dst = append(dst, body...)
	return append(dst, make([]byte, frame.Padding(uint64(len(body))))...)
}
