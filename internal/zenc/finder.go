package zenc

import "math/bits"

// margin is how far before a block's end finders stop looking, so that they may
// load what is a few bytes on.
const margin = 16

// A hash of so many bytes of v, of log bits.
func hash3(v uint64, log uint8) uint64 { return v << 40 * 506832829 >> ((64 - log) & 63) }
func hash5(v uint64, log uint8) uint64 { return v << 24 * 889523592379 >> ((64 - log) & 63) }
func hash7(v uint64, log uint8) uint64 { return v << 8 * 58295818150454627 >> ((64 - log) & 63) }
func hash8(v uint64, log uint8) uint64 { return v * 0xcf1bbcdcb7a56463 >> ((64 - log) & 63) }

// tagBits are the bits of a hash beyond those that say where in a table a place is. They stand above
// the place, which MaxContent leaves room for, and tell most places of other hashes apart without a look
// at what stands there, for which the processor would have to wait.
const tagBits = 6

// tagOf gives the tag of a hash, where it stands in an entry.
func tagOf(hash uint64) uint32 { return uint32(hash) << (32 - tagBits) }

// enter enters place s by a hash, and gives the one that was there: MaxContent or more if that
// had another hash.
func enter(table []uint32, hash uint64, s int) (before int) {
	entry, tag := &table[hash>>tagBits], tagOf(hash)
	before = int(*entry ^ tag)
	*entry = uint32(s) | tag
	return before
}

// matchLen counts how many bytes from a on are those from b on, up to end. b is
// before a.
func matchLen(src []byte, a, b, end int) int {
	start := a
	for a+8 <= end {
		if d := load64(src, a) ^ load64(src, b); d != 0 {
			return a - start + bits.TrailingZeros64(d)>>3
		}
		a += 8
		b += 8
	}
	for a < end && src[a] == src[b] {
		a++
		b++
	}
	return a - start
}

// matchBack counts how many bytes before a are those before b, at most limit.
func matchBack(src []byte, a, b, limit int) int {
	n := 0
	if b >= 8 {
		n = bits.LeadingZeros64(load64(src, a-8)^load64(src, b-8)) >> 3
		if n < 8 || limit <= 8 {
			return min(n, limit)
		}
	}
	for n < limit && n < b && src[a-n-1] == src[b-n-1] {
		n++
	}
	return n
}

// recent are the offsets that a finder tries before others, latest first; 0
// stands for none.
func (r repeats) recent(at int) (rep, rep2 int) {
	if rep = int(r[0]); rep > at {
		rep = 0
	}
	if rep2 = int(r[1]); rep2 > at {
		rep2 = 0
	}
	return rep, rep2
}
