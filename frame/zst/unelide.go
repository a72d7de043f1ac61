package zst

// Elided says whether whole is one ordinary frame without any compressed block, as an
// [Elider] makes them.
func Elided(whole []byte) bool {
	var w Walker
	for w.stepIn(whole) {
		if w.Compressed() {
			return false
		}
	}
	return w.Need() == 0 && w.Pos() == int64(len(whole))
}

// Unelide appends the content of a frame for which [Elided] is true to dst, which has to have
// room for size bytes. It fails with [frame.ErrCorrupt] where a codec would: if the content
// has more than size bytes, or not as many as the frame says. The [Checksum] is the caller's
// to compare.
func Unelide(dst, whole []byte, size int) ([]byte, error) {
	h, err := ParseFrameHeader(whole)
	if err != nil {
		return dst, err
	}
	from := len(dst)
	dst, err = unelideBlocks(dst, whole[h.Size:], size, h.Window)
	if got := uint64(len(dst) - from); err == nil && h.HasContentSize && h.ContentSize != got {
		err = differ(corrupt("data frame", "TR-24", 0, "content size differs"), h.ContentSize, got)
	}
	return dst, err
}

// unelideBlocks appends the content of the blocks that b begins with, none of them larger than
// the window.
func unelideBlocks(dst, b []byte, size int, window uint64) ([]byte, error) {
	for last := false; !last; {
		h, err := parseBlockHeader(b)
		if err != nil {
			return dst, err
		}
		if size -= h.size; size < 0 || uint64(h.size) > window {
			return dst, corrupt("data frame", "TR-24", 0, "blocks have too much content")
		}
		b = b[blockHeaderSize:]
		if h.typ == blockRLE {
			dst = appendRun(dst, b[0], h.size)
		} else {
			dst = append(dst, b[:h.size]...)
		}
		b, last = b[h.stored():], h.last
	}
	return dst, nil
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
