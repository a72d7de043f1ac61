package hvm

import (
	"encoding/binary"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
)

// reserved says which bytes of a body are zero in what Xen writes: from and
// to, for each type that has any.
var reserved = map[Type][2]int{
	CPUType:   {1028, 1032},
	LAPICType: {28, 32},
	PCILink:   {4, 8},
	PIT:       {52, 56},
	RTC:       {15, 16},
}

// judged gives how many bytes of a body of type t the rules look at.
func judged(t Type) int {
	switch t {
	case HeaderType:
		return HeaderSize
	case XSAVEType:
		return XSAVEMin
	case MSRType:
		return MaxBody
	}
	return reserved[t][1]
}

// judgeBody applies the rules that concern the body of the current entry,
// whose beginning has been gathered.
func (c *Checker) judgeBody() error {
	switch {
	case c.cur.Type == HeaderType:
		return c.judgeHeader()
	case !c.cfg.Verify:
		return nil
	case c.cur.Type == XSAVEType:
		return c.verifyXSAVE()
	case c.cur.Type == MSRType:
		return c.verifyMSRs()
	}
	return c.verifyReserved()
}

func (c *Checker) judgeHeader() error {
	h, err := DecodeHeader(c.body)
	switch {
	case err != nil:
		return err
	case h.Magic != Magic:
		return c.bad(RuleMagic, frame.ErrCorrupt, "magic", fmt.Sprintf("%#08x", Magic), fmt.Sprintf("%#08x", h.Magic))
	case h.Version != HeaderVersion:
		return c.bad(RuleVersion, frame.ErrUnsupported, "version", HeaderVersion, h.Version)
	}
	return nil
}

func (c *Checker) verifyReserved() error {
	at, ok := reserved[c.cur.Type]
	if !ok || len(c.body) < at[1] || frame.IsZero(c.body[at[0]:at[1]]) {
		return nil
	}
	return c.find(RuleReserved, fmt.Sprintf("bytes %d to %d of the body", at[0], at[1]-1), "zero", "something else")
}

// verifyXSAVE looks at what stands in front of the components. Their sizes
// depend on the processor, so that the length itself cannot be judged.
func (c *Checker) verifyXSAVE() error {
	x, err := DecodeXSAVE(c.body)
	switch {
	case err != nil: // too short, which is a load rule
		return nil
	case x.XCR0&^x.XCR0Accum != 0:
		return c.find(RuleXSAVE, "xcr0", "a subset of xcr0_accum", "more")
	case x.XStateBV&^x.XCR0Accum != 0:
		return c.find(RuleXSAVE, "xstate_bv", "a subset of xcr0_accum", "more")
	case x.XCompBV != 0:
		return c.find(RuleXSAVE, "xcomp_bv", "0, the form that is not compacted", "something else")
	case !frame.IsZero(c.body[xsaveReserved:XSAVEMin]):
		return c.find(RuleXSAVE, "reserved bytes of the XSAVE header", "zero", "something else")
	}
	return nil
}

// verifyMSRs holds the count against the length, and the reserved fields, as
// far as they were gathered, against zero.
func (c *Checker) verifyMSRs() error {
	if len(c.body) < MSRMin {
		return nil // a load rule
	}
	le := binary.LittleEndian
	if n := le.Uint32(c.body); uint64(c.cur.Length) != 8+16*uint64(n) {
		return c.find(RuleMSRs, "length for its count", 8+16*uint64(n), c.cur.Length)
	}
	for b := c.body[8:]; len(b) >= 16; b = b[16:] {
		if r := le.Uint32(b[4:]); r != 0 {
			return c.find(RuleMSRs, "reserved field of a register", 0, "something else")
		}
	}
	return nil
}
