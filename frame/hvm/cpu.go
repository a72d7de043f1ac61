package hvm

// Lengths of CPU's body (spec §5.1).
const (
	// CPUSize is the length today.
	CPUSize = 1032
	// CPUSizeOld is the length before Xen 3.4, which lacks one register in
	// the middle.
	CPUSizeOld = 1016
)
