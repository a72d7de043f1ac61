package zst

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// The seek table of the zstd seekable format, spec §8.
const (
	EntrySize  = 12
	FooterSize = 9
	// MaxFrames is the largest number of entries that the format allows.
	MaxFrames = 1 << 27

	footerMagic      = 0x8F92EAB1
	footerDescriptor = 0x80 // entries carry checksums

	// emptyChecksum is the low half of XXH64 of nothing.
	emptyChecksum = 0x51D8E999
)

// Entry describes one frame of the stream.
type Entry struct {
	Compressed uint32 // size on the wire, magic included
	Content    uint32 // 0 for a frame without any
	Checksum   uint32 // the four bytes that end a data frame; of a fast frame, see FastEntry
}

// DataEntry gives the entry for a whole data frame with a content checksum.
func DataEntry(frame []byte, content int) Entry {
	return Entry{
		Compressed: uint32(len(frame)),
		Content:    uint32(content),
		Checksum:   binary.LittleEndian.Uint32(frame[len(frame)-ChecksumSize:]),
	}
}

// FastEntry gives the entry for a whole fast frame.
func FastEntry(frame []byte, f Fast) Entry {
	return Entry{Compressed: uint32(len(frame)), Content: f.Content, Checksum: f.Digest.low32()}
}

// EmptyEntry gives the entry for a frame of size bytes, magic included, that has
// no content: a header, a lock or a seal.
func EmptyEntry(size int) Entry {
	return Entry{Compressed: uint32(size), Checksum: emptyChecksum}
}

// AppendEntry appends the entry as it stands in the table.
func AppendEntry(dst []byte, e Entry) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, e.Compressed)
	dst = binary.LittleEndian.AppendUint32(dst, e.Content)
	return binary.LittleEndian.AppendUint32(dst, e.Checksum)
}

// ParseEntry gives the entry that b begins with, which has to have [EntrySize]
// bytes or more. Any bytes are one.
func ParseEntry(b []byte) Entry {
	return Entry{
		Compressed: binary.LittleEndian.Uint32(b),
		Content:    binary.LittleEndian.Uint32(b[4:]),
		Checksum:   binary.LittleEndian.Uint32(b[8:]),
	}
}

// AppendFooter appends what ends the table.
func AppendFooter(dst []byte, frames uint32) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, frames)
	dst = append(dst, footerDescriptor)
	return binary.LittleEndian.AppendUint32(dst, footerMagic)
}

// ParseFooter gives the number of entries of the table that ends in b, which
// has to be [FooterSize] bytes.
func ParseFooter(b []byte) (frames uint32, err error) {
	if len(b) != FooterSize {
		return 0, short("seek table", len(b))
	}
	if b[4] != footerDescriptor || binary.LittleEndian.Uint32(b[5:]) != footerMagic {
		return 0, corrupt("seek table", "TR-41", 0, "wrong footer")
	}
	return binary.LittleEndian.Uint32(b), nil
}

// SeekTableSize is the size of the payload of a table with so many entries.
func SeekTableSize(entries int64) int64 { return entries*EntrySize + FooterSize }

// Table collects the entries of a stream on the writer's side. The zero value
// is empty. It grows by [EntrySize] bytes for each frame.
type Table struct {
	b []byte // begins with room for the skippable frame's header
}

// Add takes the next frame.
func (t *Table) Add(e Entry) {
	if t.b == nil {
		t.b = make([]byte, SkippableHeaderSize, 4096)
	}
	t.b = AppendEntry(t.b, e)
}

// Len gives the number of entries.
func (t *Table) Len() int { return max(0, len(t.b)-SkippableHeaderSize) / EntrySize }

// Finish gives the whole frame. The table must not be used after that.
func (t *Table) Finish() []byte {
	n := t.Len()
	if t.b == nil {
		t.b = make([]byte, SkippableHeaderSize)
	}
	AppendSkippableHeader(t.b[:0], MagicSeekTable, uint32(SeekTableSize(int64(n))))
	return AppendFooter(t.b, uint32(n))
}

// TableFold is the table on the reader's side: it keeps a hash of the entries
// instead of the entries. The zero value has seen none.
type TableFold struct {
	hash  xxh3.Hasher
	entry [EntrySize]byte
}

// Add takes the next frame.
func (f *TableFold) Add(e Entry) {
	AppendEntry(f.entry[:0], e)
	f.hash.Write(f.entry[:])
}

// Write takes entries as they stand in a table, in pieces of any size. It
// never fails.
func (f *TableFold) Write(entries []byte) (int, error) { return f.hash.Write(entries) }

// Digest tells two folds apart: it is equal if their entries are.
func (f *TableFold) Digest() Digest { return digest(f.hash.Sum128()) }
