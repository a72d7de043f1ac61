package hvm

import "encoding/binary"

// Lengths of CPU's body (spec §5.1).
const (
	// CPUSize is the length today.
	CPUSize = 1032
	// CPUSizeOld is the length before Xen 3.4, which lacks TSCAux in the
	// middle.
	CPUSizeOld = 1016
)

// tscAuxAt is where TSCAux stands, and where the old layout has TSC.
const tscAuxAt = 1000

// RegisterNames names the elements of Registers in [CPU].
var RegisterNames = [16]string{
	"rax", "rbx", "rcx", "rdx", "rbp", "rsi", "rdi", "rsp",
	"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
}

// SegmentNames names the elements of Segments in [CPU].
var SegmentNames = [8]string{"cs", "ds", "es", "fs", "gs", "ss", "tr", "ldtr"}

// Indexes into Segments of [CPU].
const (
	CS = iota
	DS
	ES
	FS
	GS
	SS
	TR
	LDTR
)

// DebugNames names the elements of Debug in [CPU].
var DebugNames = [6]string{"dr0", "dr1", "dr2", "dr3", "dr6", "dr7"}

// Segment is a segment register with its hidden part.
type Segment struct {
	Selector uint32
	Limit    uint32
	Base     uint64
	// Attributes holds type in bits 0 to 3, then S, DPL (two bits), P, AVL,
	// L, D/B and G.
	Attributes uint32
}

// Table is a descriptor-table register.
type Table struct {
	Limit uint32
	Base  uint64
}

// CPU is the state of one virtual processor (spec §5.1). It is the guest's:
// what it holds is not for logs.
type CPU struct {
	// FPU is the x87 and SSE state as FXSAVE stores it.
	FPU [512]byte
	// Registers, Debug and Segments are in the order of [RegisterNames],
	// [DebugNames] and [SegmentNames].
	Registers [16]uint64
	Debug     [6]uint64
	Segments  [8]Segment
	IDT, GDT  Table

	RIP, RFLAGS        uint64
	CR0, CR2, CR3, CR4 uint64

	// Model-specific registers. ShadowGS is the base that SWAPGS puts in
	// place; MSRFlags has no meaning any more.
	SysenterCS, SysenterESP, SysenterEIP uint64
	LSTAR, STAR, CSTAR, SyscallMask      uint64
	EFER, TSCAux, ShadowGS, MSRFlags     uint64

	// TSC is what the guest would read as its time-stamp counter.
	TSC uint64
	// PendingEvent and ErrorCode are what [CPU.Pending] takes apart.
	PendingEvent, ErrorCode uint32
	// Flags is 0 or [FPUInitialised].
	Flags uint32
}

// FPUInitialised is the only known bit of Flags.
const FPUInitialised uint32 = 1

// DecodeCPU reads CPU's body of any length as Xen does: the layout of
// [CPUSizeOld] bytes is converted, any other that is short is read as if zeros
// followed, and either counts as having an initialised FPU. What stands
// behind [CPUSize] bytes is not looked at.
func DecodeCPU(body []byte) CPU {
	var b [CPUSize]byte
	n := copy(b[:], body)
	if len(body) == CPUSizeOld {
		copy(b[tscAuxAt:], make([]byte, 8))
		copy(b[tscAuxAt+8:], body[tscAuxAt:])
	}
	var c CPU
	r := reader(b[:])
	r.cpu(&c)
	if n < CPUSize {
		c.Flags = FPUInitialised
	}
	return c
}

// Append appends CPU's body, [CPUSize] bytes, to dst.
func (c CPU) Append(dst []byte) []byte {
	dst = append(dst, c.FPU[:]...)
	dst = appendU64(dst, c.Registers[:]...)
	dst = appendU64(dst, c.RIP, c.RFLAGS, c.CR0, c.CR2, c.CR3, c.CR4)
	dst = appendU64(dst, c.Debug[:]...)
	for _, s := range c.Segments {
		dst = appendU32(dst, s.Selector)
	}
	for _, s := range c.Segments {
		dst = appendU32(dst, s.Limit)
	}
	dst = appendU32(dst, c.IDT.Limit, c.GDT.Limit)
	for _, s := range c.Segments {
		dst = appendU64(dst, s.Base)
	}
	dst = appendU64(dst, c.IDT.Base, c.GDT.Base)
	for _, s := range c.Segments {
		dst = appendU32(dst, s.Attributes)
	}
	dst = appendU64(dst, c.SysenterCS, c.SysenterESP, c.SysenterEIP, c.ShadowGS, c.MSRFlags)
	dst = appendU64(dst, c.LSTAR, c.STAR, c.CSTAR, c.SyscallMask, c.EFER, c.TSCAux, c.TSC)
	return appendU32(dst, c.PendingEvent, c.ErrorCode, c.Flags, 0)
}

// cpu reads the fields in the order of [CPU.Append].
func (r *reader) cpu(c *CPU) {
	copy(c.FPU[:], r.take(len(c.FPU)))
	for i := range c.Registers {
		c.Registers[i] = r.u64()
	}
	r.u64s(&c.RIP, &c.RFLAGS, &c.CR0, &c.CR2, &c.CR3, &c.CR4)
	for i := range c.Debug {
		c.Debug[i] = r.u64()
	}
	for i := range c.Segments {
		c.Segments[i].Selector = r.u32()
	}
	for i := range c.Segments {
		c.Segments[i].Limit = r.u32()
	}
	c.IDT.Limit, c.GDT.Limit = r.u32(), r.u32()
	for i := range c.Segments {
		c.Segments[i].Base = r.u64()
	}
	r.u64s(&c.IDT.Base, &c.GDT.Base)
	for i := range c.Segments {
		c.Segments[i].Attributes = r.u32()
	}
	r.u64s(&c.SysenterCS, &c.SysenterESP, &c.SysenterEIP, &c.ShadowGS, &c.MSRFlags)
	r.u64s(&c.LSTAR, &c.STAR, &c.CSTAR, &c.SyscallMask, &c.EFER, &c.TSCAux, &c.TSC)
	c.PendingEvent, c.ErrorCode, c.Flags = r.u32(), r.u32(), r.u32()
}

// reader takes fields off the front of a slice that is long enough.
type reader []byte

func (r *reader) take(n int) []byte {
	b := (*r)[:n]
	*r = (*r)[n:]
	return b
}

func (r *reader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) u64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

func (r *reader) u64s(fields ...*uint64) {
	for _, f := range fields {
		*f = r.u64()
	}
}

func appendU32(dst []byte, values ...uint32) []byte {
	for _, v := range values {
		dst = binary.LittleEndian.AppendUint32(dst, v)
	}
	return dst
}

func appendU64(dst []byte, values ...uint64) []byte {
	for _, v := range values {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	return dst
}
