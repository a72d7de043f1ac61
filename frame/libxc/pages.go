package libxc

import (
	"encoding/binary"
	"fmt"
)

// PageType is the top four bits of an [Entry] (spec §6.3).
type PageType uint8

// The types of pages; 5 to 8 are not assigned. Types 1 to 4 are page tables by
// level, and [Pinned] may be added to them.
const (
	NoTab  PageType = 0x0 // an ordinary page
	L1Tab  PageType = 0x1
	L2Tab  PageType = 0x2
	L3Tab  PageType = 0x3
	L4Tab  PageType = 0x4
	Pinned PageType = 0x8
	Broken PageType = 0xd
	XAlloc PageType = 0xe // gets memory, but its contents do not matter
	XTab   PageType = 0xf // a hole
)

// pageInfo is the table of spec §6.3.
var pageInfo = [16]struct {
	name        string
	data, alloc bool
}{
	0x0: {"NOTAB", true, true},
	0x1: {"L1TAB", true, true},
	0x2: {"L2TAB", true, true},
	0x3: {"L3TAB", true, true},
	0x4: {"L4TAB", true, true},
	0x9: {"L1TAB_PINNED", true, true},
	0xa: {"L2TAB_PINNED", true, true},
	0xb: {"L3TAB_PINNED", true, true},
	0xc: {"L4TAB_PINNED", true, true},
	0xd: {"BROKEN", false, false},
	0xe: {"XALLOC", false, true},
	0xf: {"XTAB", false, false},
}

// Valid says whether the type is assigned.
func (t PageType) Valid() bool { return t < 16 && pageInfo[t].name != "" }

// HasData says whether 4096 bytes of the page are in the stream.
func (t PageType) HasData() bool { return t < 16 && pageInfo[t].data }

// HasMemory says whether the page gets memory on restore.
func (t PageType) HasMemory() bool { return t < 16 && pageInfo[t].alloc }

// Level gives the level of a page table, 1 to 4, and 0 for other pages.
func (t PageType) Level() int {
	if l := int(t &^ Pinned); t.Valid() && t <= L4Tab|Pinned && l <= 4 {
		return l
	}
	return 0
}

// String gives the name, such as "L1TAB_PINNED".
func (t PageType) String() string {
	if t.Valid() {
		return pageInfo[t].name
	}
	return fmt.Sprintf("PageType(%d)", uint8(t))
}

// Entry says which page of the guest a record carries: its frame number in
// bits 0 to 51, its type in bits 60 to 63.
type Entry uint64

// ReservedBits are those of an [Entry] that are 0.
const ReservedBits Entry = 0xff << 52

// MaxPFN is the largest frame number that fits an [Entry].
const MaxPFN = 1<<52 - 1

// NewEntry makes an entry.
func NewEntry(pfn uint64, t PageType) Entry { return Entry(pfn&MaxPFN | uint64(t)<<60) }

// PFN gives the frame number.
func (e Entry) PFN() uint64 { return uint64(e) & MaxPFN }

// Type gives the type.
func (e Entry) Type() PageType { return PageType(e >> 60) }

// PageDataHeaderSize and EntrySize are the sizes of what stands before the
// pages of a record: count u32 and reserved u32, and each entry.
const (
	PageDataHeaderSize = 8
	EntrySize          = 8
)

// PageDataHeader begins the body of a PAGE_DATA record.
type PageDataHeader struct {
	Count    uint32 // of entries
	Reserved uint32
}

// Append appends the encoded header, [PageDataHeaderSize] bytes, to dst.
func (h PageDataHeader) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, h.Count)
	return binary.LittleEndian.AppendUint32(dst, h.Reserved)
}

// ParsePageDataHeader reads the header at the start of b. It returns an error
// wrapping io.ErrUnexpectedEOF if b is too short.
func ParsePageDataHeader(b []byte) (PageDataHeader, error) {
	if len(b) < PageDataHeaderSize {
		return PageDataHeader{}, short(PageData.Name(), PageDataHeaderSize, len(b))
	}
	return PageDataHeader{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])}, nil
}

// Length gives the length of a record with that many entries of which pages
// have data.
func (h PageDataHeader) Length(pages uint64) uint64 {
	return PageDataHeaderSize + EntrySize*uint64(h.Count) + PageSize*pages
}

// Entries is a run of entries as it lies in the stream.
type Entries []byte

// Len gives the number of entries.
func (e Entries) Len() int { return len(e) / EntrySize }

// At gives the i-th entry.
func (e Entries) At(i int) Entry { return Entry(binary.LittleEndian.Uint64(e[i*EntrySize:])) }

// Append appends the encoded entry, [EntrySize] bytes, to dst.
func (e Entry) Append(dst []byte) []byte { return binary.LittleEndian.AppendUint64(dst, uint64(e)) }

// AppendPageData appends a whole PAGE_DATA record to dst. pages holds the data of
// the entries that have any, one behind the other.
func AppendPageData(dst []byte, entries []Entry, pages []byte) []byte {
	h := PageDataHeader{Count: uint32(len(entries))}
	dst = RecordHeader{PageData, uint32(h.Length(0)) + uint32(len(pages))}.Append(dst)
	dst = h.Append(dst)
	for _, e := range entries {
		dst = e.Append(dst)
	}
	return append(dst, pages...)
}
