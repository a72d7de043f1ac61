package frame

import "fmt"

// Layout is one of the two forms of a domain context (spec §3).
type Layout uint8

const (
	// Compact is the layout of versions 3 to 9 of the series: a descriptor
	// of 8 bytes whose length counts the padding. It is the default for
	// writing.
	Compact Layout = 1 + iota
	// Wide is the layout of version 10: a descriptor of 16 bytes whose
	// length excludes the padding.
	Wide
)

// Sizes in bytes that hold for both layouts or bound them.
const (
	// Alignment is what every entry is padded to (spec §1).
	Alignment = 8
	// CompactDescriptorSize and WideDescriptorSize are the sizes of a
	// descriptor (spec §5.1, §6.1).
	CompactDescriptorSize = 8
	WideDescriptorSize    = 16
	// MaxDescriptorSize is the larger of the two.
	MaxDescriptorSize = WideDescriptorSize
	// HeaderSize is the size of a written HEADER or START with its
	// descriptor: 8+16 or 16+8 (spec §5.2, §6.2).
	HeaderSize = 24
	// DetectSize is how many bytes tell the layout (spec §4).
	DetectSize = 8
)

// UnfinishedCompact and UnfinishedWide are the unfinished mark: the length of
// an entry whose true length is not yet known (spec §7, DC-26). No reader
// accepts it.
const (
	UnfinishedCompact uint64 = 1<<32 - 1
	UnfinishedWide    uint64 = 1<<64 - 1
)

// String gives "compact" or "wide".
func (l Layout) String() string {
	switch l {
	case Compact:
		return "compact"
	case Wide:
		return "wide"
	}
	return fmt.Sprintf("Layout(%d)", uint8(l))
}

// Valid says whether l is one of the two layouts.
func (l Layout) Valid() bool { return l == Compact || l == Wide }

// DescriptorSize gives the bytes of a descriptor: 8 or 16.
func (l Layout) DescriptorSize() int {
	if l == Wide {
		return WideDescriptorSize
	}
	return CompactDescriptorSize
}

// Unfinished gives the unfinished mark of the layout.
func (l Layout) Unfinished() uint64 {
	if l == Wide {
		return UnfinishedWide
	}
	return UnfinishedCompact
}

// MaxBody gives the largest body in bytes that an entry can have: 2^32-8 or
// 2^63-8 (spec §7, DC-23).
func (l Layout) MaxBody() uint64 {
	if l == Wide {
		return 1<<63 - 8
	}
	return 1<<32 - 8
}

// MaxInstance gives the largest instance that fits a descriptor: 2^16-1 or
// 2^32-1.
func (l Layout) MaxInstance() uint32 {
	if l == Wide {
		return 1<<32 - 1
	}
	return 1<<16 - 1
}

// MaxType gives the largest type that fits a descriptor: 2^16-1 or 2^32-1.
func (l Layout) MaxType() Type { return Type(l.MaxInstance()) }

// Padding gives how many zero bytes bring a body of n bytes to the alignment,
// 0 to 7. It cannot overflow (spec §1).
func Padding(n uint64) int { return int(-n & (Alignment - 1)) }

// StoredLength gives the length field for a body of n bytes: with padding in
// the compact layout, n itself in the wide one. n must not exceed
// [Layout.MaxBody].
func (l Layout) StoredLength(n uint64) uint64 {
	if l == Wide {
		return n
	}
	return n + uint64(Padding(n))
}

// PaddingAfter gives how many padding bytes follow the length bytes of an
// entry on the wire: none in the compact layout, whose length counts them.
func (l Layout) PaddingAfter(length uint64) int {
	if l == Wide {
		return Padding(length)
	}
	return 0
}

// Detect tells the layout from the first [DetectSize] bytes of a context
// (spec §4). It returns 0 where they begin neither a HEADER nor a START, or
// where b is shorter than that.
func Detect(b []byte) Layout {
	if len(b) < DetectSize || b[0] != byte(Start) || b[1] != 0 {
		return 0
	}
	for _, x := range b[2:DetectSize] {
		if x != 0 {
			return Compact
		}
	}
	return Wide
}
