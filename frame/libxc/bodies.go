package libxc

import "encoding/binary"

// PVInfo is the body of X86_PV_INFO (spec §6.4): width u8 at 0, levels u8 at 1,
// six bytes reserved.
type PVInfo struct {
	Width    uint8 // of the guest's words in bytes: 4 or 8
	Levels   uint8 // of its page tables: 3 or 4
	Reserved [6]byte
}

// PVInfoSize is the size of a [PVInfo] on the wire.
const PVInfoSize = 8

// Append appends the encoded body to dst.
func (p PVInfo) Append(dst []byte) []byte {
	return append(append(dst, p.Width, p.Levels), p.Reserved[:]...)
}

// ParsePVInfo reads the body of X86_PV_INFO. It returns an error wrapping
// io.ErrUnexpectedEOF if b is too short, as the other Parse functions do.
func ParsePVInfo(b []byte) (PVInfo, error) {
	if len(b) < PVInfoSize {
		return PVInfo{}, short(PVInfoType.Name(), PVInfoSize, len(b))
	}
	return PVInfo{b[0], b[1], [6]byte(b[2:8])}, nil
}

// P2MRange begins the body of X86_PV_P2M_FRAMES: the first and the last frame
// number that the frames behind it, u64 each, map.
type P2MRange struct{ Start, End uint32 }

// P2MRangeSize is the size of a [P2MRange] on the wire.
const P2MRangeSize = 8

// Append appends the encoded range to dst.
func (p P2MRange) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, p.Start)
	return binary.LittleEndian.AppendUint32(dst, p.End)
}

// ParseP2MRange reads the start of the body of X86_PV_P2M_FRAMES.
func ParseP2MRange(b []byte) (P2MRange, error) {
	if len(b) < P2MRangeSize {
		return P2MRange{}, short(P2MFrames.Name(), P2MRangeSize, len(b))
	}
	return P2MRange{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])}, nil
}

// Frames gives how many frames follow, for a guest of that width: each holds
// one word for every page. End must not be below Start.
func (p P2MRange) Frames(width uint8) uint64 {
	perFrame := uint64(PageSize) / uint64(max(width, 1))
	return uint64(p.End)/perFrame - uint64(p.Start)/perFrame + 1
}

// VCPUHeader begins the bodies of the X86_PV_VCPU records: vcpu u32 at 0,
// reserved u32 at 4.
type VCPUHeader struct{ VCPU, Reserved uint32 }

// VCPUHeaderSize is the size of a [VCPUHeader] on the wire.
const VCPUHeaderSize = 8

// What follows a [VCPUHeader]; nothing does in some streams of Xen 4.6 to 4.8.
const (
	VCPUBasic32     = 2800 // BASIC of a 32-bit guest
	VCPUBasic64     = 5168 // BASIC of a 64-bit guest
	MaxVCPUExtended = 128
	MinVCPUXSave    = 16
)

// Append appends the encoded header to dst.
func (v VCPUHeader) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, v.VCPU)
	return binary.LittleEndian.AppendUint32(dst, v.Reserved)
}

// ParseVCPUHeader reads the start of the body of an X86_PV_VCPU record.
func ParseVCPUHeader(b []byte) (VCPUHeader, error) {
	if len(b) < VCPUHeaderSize {
		return VCPUHeader{}, short("X86_PV_VCPU record", VCPUHeaderSize, len(b))
	}
	return VCPUHeader{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])}, nil
}

// TSCInfo is the body of X86_TSC_INFO.
type TSCInfo struct {
	Mode        uint32 // 0 default, 1 always emulate, 2 never emulate
	KHz         uint32
	Nanoseconds uint64
	Incarnation uint32
	Reserved    uint32
}

// TSCInfoSize is the size of a [TSCInfo] on the wire.
const TSCInfoSize = 24

// Append appends the encoded body to dst.
func (t TSCInfo) Append(dst []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, t.Mode)
	dst = le.AppendUint32(dst, t.KHz)
	dst = le.AppendUint64(dst, t.Nanoseconds)
	dst = le.AppendUint32(dst, t.Incarnation)
	return le.AppendUint32(dst, t.Reserved)
}

// ParseTSCInfo reads the body of X86_TSC_INFO.
func ParseTSCInfo(b []byte) (TSCInfo, error) {
	if len(b) < TSCInfoSize {
		return TSCInfo{}, short(TSCInfoType.Name(), TSCInfoSize, len(b))
	}
	le := binary.LittleEndian
	return TSCInfo{le.Uint32(b), le.Uint32(b[4:]), le.Uint64(b[8:]), le.Uint32(b[16:]), le.Uint32(b[20:])}, nil
}

// ParamsHeader begins the body of HVM_PARAMS: count u32 at 0, reserved u32 at
// 4. That many pairs of index u64 and value u64 follow.
type ParamsHeader struct{ Count, Reserved uint32 }

// ParamsHeaderSize and ParamSize are the sizes of a [ParamsHeader] and of each
// pair on the wire.
const (
	ParamsHeaderSize = 8
	ParamSize        = 16
)

// Append appends the encoded header to dst.
func (p ParamsHeader) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, p.Count)
	return binary.LittleEndian.AppendUint32(dst, p.Reserved)
}

// ParseParamsHeader reads the start of the body of HVM_PARAMS.
func ParseParamsHeader(b []byte) (ParamsHeader, error) {
	if len(b) < ParamsHeaderSize {
		return ParamsHeader{}, short(HVMParams.Name(), ParamsHeaderSize, len(b))
	}
	return ParamsHeader{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])}, nil
}

// paramNames are the parameters that savers write.
var paramNames = map[uint64]string{
	1: "STORE_PFN", 5: "IOREQ_PFN", 6: "BUFIOREQ_PFN", 9: "VIRIDIAN", 12: "IDENT_PT", 17: "CONSOLE_PFN",
	19: "ACPI_IOPORTS_LOCATION", 27: "PAGING_RING_PFN", 28: "MONITOR_RING_PFN", 29: "SHARING_RING_PFN",
	32: "IOREQ_SERVER_PFN", 33: "NR_IOREQ_SERVER_PAGES", 34: "VM_GENERATION_ID_ADDR", 36: "X87_FIP_WIDTH",
	37: "VM86_TSS_SIZED", 38: "MCA_CAP",
}

// ParamName gives the name of a parameter that savers write, or "".
func ParamName(index uint64) string { return paramNames[index] }
