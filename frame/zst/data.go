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

// FinishData appends the content checksum that ends a data frame.
func FinishData(dst, content []byte) []byte {
	return binary.LittleEndian.AppendUint32(dst, uint32(xxhash.Sum64(content)))
}
