package hvm

import (
	"encoding/binary"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Lengths of bodies (spec §5).
const (
	// LAPICSize is the length of LAPIC's body today.
	LAPICSize = 32
	// XSAVEMin is the smallest CPU_XSAVE: 24 bytes of its own, the legacy
	// area and the header of the XSAVE area.
	XSAVEMin = xsaveHeader + 64
	// MSRMin is the smallest CPU_MSR: a count and one register.
	MSRMin = 8 + 16
)

// Places in CPU_XSAVE.
const (
	xsaveHeader   = 24 + 512
	xsaveReserved = xsaveHeader + 16
)

// LAPIC is the part of a local APIC that is not in its register page (spec
// §5.2).
type LAPIC struct {
	BaseMSR      uint64
	Disabled     uint32
	TimerDivisor uint32
	TDT          uint64 // TSC deadline
	PendingESR   uint32
}

// DecodeLAPIC reads LAPIC's body; a short one is read as if zeros followed.
func DecodeLAPIC(body []byte) LAPIC {
	var b [LAPICSize]byte
	copy(b[:], body)
	r := reader(b[:])
	return LAPIC{BaseMSR: r.u64(), Disabled: r.u32(), TimerDivisor: r.u32(), TDT: r.u64(), PendingESR: r.u32()}
}

// Append appends LAPIC's body, [LAPICSize] bytes, to dst.
func (l LAPIC) Append(dst []byte) []byte {
	dst = appendU64(dst, l.BaseMSR)
	dst = appendU32(dst, l.Disabled, l.TimerDivisor)
	dst = appendU64(dst, l.TDT)
	return appendU32(dst, l.PendingESR, 0)
}

// XSAVE is what CPU_XSAVE says about the state it holds (spec §5.3): masks
// whose bits stand for components.
type XSAVE struct {
	FeatureMask uint64 // what the saving machine had
	XCR0        uint64 // what the guest has enabled
	XCR0Accum   uint64 // what it ever had
	XStateBV    uint64 // what is not in its initial state
	XCompBV     uint64 // not 0 in the compacted form
}

// DecodeXSAVE reads the fields of CPU_XSAVE from its body or the first
// [XSAVEMin] bytes of it. It returns an error wrapping io.ErrUnexpectedEOF if
// there are fewer.
func DecodeXSAVE(body []byte) (XSAVE, error) {
	if len(body) < XSAVEMin {
		return XSAVE{}, short(XSAVEType, XSAVEMin, len(body))
	}
	var x XSAVE
	r := reader(body)
	r.u64s(&x.FeatureMask, &x.XCR0, &x.XCR0Accum)
	r.take(512)
	r.u64s(&x.XStateBV, &x.XCompBV)
	return x, nil
}

// Append appends the first [XSAVEMin] bytes of CPU_XSAVE to dst, with zeros in
// the legacy area.
func (x XSAVE) Append(dst []byte) []byte {
	dst = appendU64(dst, x.FeatureMask, x.XCR0, x.XCR0Accum)
	dst = append(dst, make([]byte, 512)...)
	dst = appendU64(dst, x.XStateBV, x.XCompBV)
	return append(dst, make([]byte, XSAVEMin-xsaveReserved)...)
}

// MSR is a model-specific register of CPU_MSR.
type MSR struct {
	Index uint32
	Value uint64
}

// DecodeMSRs reads CPU_MSR's body (spec §5.4). The count has to fit the body, or the
// error wraps frame.ErrCorrupt.
func DecodeMSRs(body []byte) ([]MSR, error) {
	if len(body) < MSRMin {
		return nil, short(MSRType, MSRMin, len(body))
	}
	n := binary.LittleEndian.Uint32(body)
	if want := 8 + 16*uint64(n); uint64(len(body)) != want {
		return nil, &frame.Error{
			Layer: Layer, Index: frame.NoIndex, Record: MSRType.Name(), Rule: RuleMSRs, What: "length for its count",
			Wanted: fmt.Sprint(want), Got: fmt.Sprint(len(body)), Err: frame.ErrCorrupt,
		}
	}
	msrs := make([]MSR, n)
	r := reader(body[8:])
	for i := range msrs {
		msrs[i].Index = r.u32()
		r.take(4)
		msrs[i].Value = r.u64()
	}
	return msrs, nil
}

// AppendMSRs appends CPU_MSR's body to dst.
func AppendMSRs(dst []byte, msrs []MSR) []byte {
	dst = appendU32(dst, uint32(len(msrs)), 0)
	for _, m := range msrs {
		dst = appendU32(dst, m.Index, 0)
		dst = appendU64(dst, m.Value)
	}
	return dst
}
