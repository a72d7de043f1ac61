package zenc

import "github.com/klauspost/compress/huff0"

// Literals_Block_Type, RFC 8878 §3.1.1.3.1.1.
const (
	litRaw      = 0
	litRLE      = 1
	litHuffman  = 2
	litTreeless = 3 // by the table of the block before
)

const (
	// Fewer literals do not pay for a table, and fewer than that not for four
	// streams.
	minHuffman = 32
	minStreams = 256
)

// literalsCoder codes the literals of a block. The zero value is ready for use.
type literalsCoder struct {
	huff  huff0.Scratch
	known bool // the reader has the last table
}

// append appends the literals section.
func (c *literalsCoder) append(dst, lits []byte) []byte {
	if len(lits) < minHuffman {
		return append(appendStoredHeader(dst, litRaw, len(lits)), lits...)
	}
	c.huff.Reuse = huff0.ReusePolicyNone
	if c.known {
		c.huff.Reuse = huff0.ReusePolicyAllow
	}
	c.huff.WantLogLess = 5 // save one in 32, or it is not worth the reader's time
	pack := huff0.Compress4X
	if len(lits) < minStreams {
		pack = huff0.Compress1X
	}
	packed, reused, err := pack(lits, &c.huff)
	switch {
	case err == huff0.ErrUseRLE:
		return append(appendStoredHeader(dst, litRLE, len(lits)), lits[0])
	case err != nil:
		return append(appendStoredHeader(dst, litRaw, len(lits)), lits...)
	}
	typ := litHuffman
	if reused {
		typ = litTreeless
	}
	c.known = true
	return append(appendPackedHeader(dst, typ, len(lits), len(packed)), packed...)
}

// appendStoredHeader appends the header of literals that are not packed. Its
// formats differ in how many bits the size has.
func appendStoredHeader(dst []byte, typ, n int) []byte {
	switch {
	case n < 1<<5:
		return append(dst, byte(typ|n<<3))
	case n < 1<<12:
		return append(dst, byte(typ|1<<2|n<<4), byte(n>>4))
	}
	return append(dst, byte(typ|3<<2|n<<4), byte(n>>4), byte(n>>12))
}

// appendPackedHeader appends the header of n literals in size bytes.
func appendPackedHeader(dst []byte, typ, n, size int) []byte {
	v, format, bytes := uint64(typ), uint64(3), 5
	switch most := max(n, size); {
	case n < minStreams:
		format, bytes = 0, 3
	case most < 1<<10:
		format, bytes = 1, 3
	case most < 1<<14:
		format, bytes = 2, 4
	}
	// 10, 14 or 18 bits for each size.
	width := 4*bytes - 2
	v |= format<<2 | uint64(n)<<4 | uint64(size)<<(4+width)
	for range bytes {
		dst = append(dst, byte(v))
		v >>= 8
	}
	return dst
}
