package zst

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// Elided says whether whole is one ordinary frame without any compressed block, as an
// [Elider] makes them.
func Elided(whole []byte) bool {
	var w Walker
	for w.Need() > 0 {
		if w.Pos() > int64(len(whole)) || w.Step(whole[w.Pos():]) != nil || w.Compressed() {
			return false
		}
	}
	return w.Pos() == int64(len(whole))
}

// Unelide appends the content of a frame for which [Elided] is true to dst, which has to have
// room for size bytes. It fails with [frame.ErrCorrupt] where a codec would: if the content
// has more than size bytes, or not as many as the frame says, or another checksum.
func Unelide(dst, whole []byte, size int) ([]byte, error) {
	h, err := ParseFrameHeader(whole)
	if err != nil {
		return dst, err
	}
	from := len(dst)
	dst, checksum, err := unelideBlocks(dst, whole[h.Size:], size, h.Window)
	if err != nil {
		return dst, err
	}
	content := dst[from:]
	switch {
	case h.HasContentSize && h.ContentSize != uint64(len(content)):
		e := corrupt("data frame", "TR-24", 0, "content size differs")
		return dst, differ(e, h.ContentSize, uint64(len(content)))
	case h.Checksum && binary.LittleEndian.Uint32(checksum) != uint32(xxhash.Sum64(content)):
		return dst, corrupt("data frame", "TR-24", 0, "content checksum differs")
	}
	return dst, nil
}

// unelideBlocks appends the content of the blocks that b begins with, none of them larger than
// the window, and gives what stands behind them.
func unelideBlocks(dst, b []byte, size int, window uint64) (content, rest []byte, err error) {
	for last := false; !last; {
		h, err := parseBlockHeader(b)
		if err != nil {
			return dst, nil, err
		}
		if size -= h.size; size < 0 || uint64(h.size) > window {
			return dst, nil, corrupt("data frame", "TR-24", 0, "blocks have too much content")
		}
		b = b[blockHeaderSize:]
		if h.typ == blockRLE {
			dst = appendRun(dst, b[0], h.size)
		} else {
			dst = append(dst, b[:h.size]...)
		}
		b, last = b[h.stored():], h.last
	}
	return dst, b, nil
}

// appendRun appends n times c.
func appendRun(dst []byte, c byte, n int) []byte {
	run := dst[len(dst) : len(dst)+n]
	if c == 0 {
		clear(run)
	} else {
		for i := range run {
			run[i] = c
		}
	}
	return dst[:len(dst)+n]
}
