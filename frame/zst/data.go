package zst

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// BeginData appends the header of a data frame with so much content, spec §5. The
// caller appends the blocks, and finishes with [FinishData].
func BeginData(dst []byte, content int) []byte {
	const flags = 1<<5 | 1<<2 // Single_Segment_flag, Content_Checksum_flag
	dst = binary.LittleEndian.AppendUint32(dst, MagicFrame)
	switch {
	case content < 256:
		return append(dst, flags, byte(content))
	case content < 256+1<<16:
		return binary.LittleEndian.AppendUint16(append(dst, 1<<6|flags), uint16(content-256))
	}
	return binary.LittleEndian.AppendUint32(append(dst, 2<<6|flags), uint32(content))
}

// ContentHash gives XXH64 of the content of an ordinary frame, whose low 32 bits are its
// checksum, RFC 8878 §3.1.1.
func ContentHash(content []byte) uint64 { return xxhash.Sum64(content) }

// FinishData appends the checksum that ends a data frame whose content has that
// [ContentHash].
func FinishData(dst []byte, hash uint64) []byte {
	return binary.LittleEndian.AppendUint32(dst, uint32(hash))
}

// Checksum gives the content checksum that ends a whole ordinary frame, and whether it has
// one.
func Checksum(whole []byte) (sum uint32, ok bool) {
	h, err := ParseFrameHeader(whole)
	if err != nil || !h.Checksum || len(whole) < h.Size+ChecksumSize {
		return 0, false
	}
	return binary.LittleEndian.Uint32(whole[len(whole)-ChecksumSize:]), true
}
