package hvm

import (
	"fmt"
	"slices"
	"strings"
)

// Layer is the Layer of a frame.Error of this format.
const Layer = "hvm-context"

// Type is the type code of an entry (spec §5).
type Type uint16

// The types that Xen has for x86. Code 21 is not assigned, and 22 to 34 are
// set aside for one vendor.
const (
	End            Type = 0
	HeaderType     Type = 1
	CPUType        Type = 2
	PIC            Type = 3
	IOAPIC         Type = 4
	LAPICType      Type = 5
	LAPICRegs      Type = 6
	PCIIRQ         Type = 7
	ISAIRQ         Type = 8
	PCILink        Type = 9
	PIT            Type = 10
	RTC            Type = 11
	HPET           Type = 12
	PMTimer        Type = 13
	MTRR           Type = 14
	ViridianDomain Type = 15
	XSAVEType      Type = 16
	ViridianVCPU   Type = 17
	VMCE           Type = 18
	TSCAdjust      Type = 19
	MSRType        Type = 20
)

// Info is what is known of a type.
type Info struct {
	// Name is the type's name in capitals, as Xen spells it.
	Name string
	// Size is the length of the body as today's Xen writes it; for a Variable
	// type, the smallest.
	Size uint32
	// Shorter holds the lengths that older writers used.
	Shorter []uint32
	// ZeroExtended says that a reader takes a shorter body and reads zeros
	// for what is missing.
	ZeroExtended bool
	// Variable says that the body tells its own length.
	Variable bool
	// PerVCPU says that there is one entry for each virtual processor, whose
	// number is the instance.
	PerVCPU bool
	// Instances is how many entries there may be of a type that is not
	// PerVCPU.
	Instances uint16
}

// infos is the table of spec §5; its index is the code.
var infos = [...]Info{
	End:            {Name: "END", Instances: 1},
	HeaderType:     {Name: "HEADER", Size: HeaderSize, Instances: 1},
	CPUType:        {Name: "CPU", Size: CPUSize, Shorter: []uint32{1024, CPUSizeOld}, ZeroExtended: true, PerVCPU: true},
	PIC:            {Name: "PIC", Size: 8, Instances: 2},
	IOAPIC:         {Name: "IOAPIC", Size: 400, Instances: 1},
	LAPICType:      {Name: "LAPIC", Size: LAPICSize, Shorter: []uint32{24}, ZeroExtended: true, PerVCPU: true},
	LAPICRegs:      {Name: "LAPIC_REGS", Size: 1024, PerVCPU: true},
	PCIIRQ:         {Name: "PCI_IRQ", Size: 16, Instances: 1},
	ISAIRQ:         {Name: "ISA_IRQ", Size: 8, Instances: 1},
	PCILink:        {Name: "PCI_LINK", Size: 8, Instances: 1},
	PIT:            {Name: "PIT", Size: 56, Instances: 1},
	RTC:            {Name: "RTC", Size: 24, Shorter: []uint32{16}, ZeroExtended: true, Instances: 1},
	HPET:           {Name: "HPET", Size: 1048, Instances: 1},
	PMTimer:        {Name: "PMTIMER", Size: 8, Instances: 1},
	MTRR:           {Name: "MTRR", Size: 240, PerVCPU: true},
	ViridianDomain: {Name: "VIRIDIAN_DOMAIN", Size: 32, ZeroExtended: true, Instances: 1},
	XSAVEType:      {Name: "CPU_XSAVE", Size: XSAVEMin, Variable: true, PerVCPU: true},
	ViridianVCPU:   {Name: "VIRIDIAN_VCPU", Size: 216, ZeroExtended: true, PerVCPU: true},
	VMCE:           {Name: "VMCE_VCPU", Size: 32, ZeroExtended: true, PerVCPU: true},
	TSCAdjust:      {Name: "TSC_ADJUST", Size: 8, PerVCPU: true},
	MSRType:        {Name: "CPU_MSR", Size: MSRMin, Variable: true, PerVCPU: true},
}

// Lookup gives what is known of a type, and whether anything is. The result
// shares Shorter with the table; do not change it.
func Lookup(t Type) (Info, bool) {
	if int(t) >= len(infos) {
		return Info{}, false
	}
	return infos[t], true
}

// Name gives the name of the type, such as "CPU", or "" for one without.
func (t Type) Name() string {
	i, _ := Lookup(t)
	return i.Name
}

// Written says whether any Xen is known to write bodies of that length. Where
// the history of a ZeroExtended type is not known, each shorter multiple of 8
// counts.
func (i Info) Written(length uint32) bool {
	switch {
	case i.Variable:
		return length >= i.Size
	case length == i.Size:
		return true
	case i.ZeroExtended && i.Shorter == nil:
		return length > 0 && length < i.Size && length%8 == 0
	}
	return slices.Contains(i.Shorter, length)
}

// TooShort says whether a body of that length is shorter than any Xen takes.
func (i Info) TooShort(length uint32) bool { return !i.ZeroExtended && length < i.Size }

// lengths tells in words what [Info.Written] takes. Types that are Variable are not
// asked: all that they do not take is [Info.TooShort].
func (i Info) lengths() string {
	if i.ZeroExtended && i.Shorter == nil {
		return fmt.Sprintf("%d or a smaller multiple of 8", i.Size)
	}
	all := []string{fmt.Sprint(i.Size)}
	for _, n := range i.Shorter {
		all = append(all, fmt.Sprint(n))
	}
	return strings.Join(all, " or ")
}
