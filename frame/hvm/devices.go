package hvm

// Lengths of bodies (spec §5).
const (
	// LAPICSize is the length of LAPIC's body today.
	LAPICSize = 32
	// XSAVEMin is the smallest CPU_XSAVE: 24 bytes of its own, the legacy
	// area and the header of the XSAVE area.
	XSAVEMin = 24 + 512 + 64
	// MSRMin is the smallest CPU_MSR: a count and one register.
	MSRMin = 8 + 16
)
