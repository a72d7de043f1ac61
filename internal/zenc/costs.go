package zenc

import "math/bits"

// bit is what a bit costs.
const bit = 1 << 8

// costs are what literals and sequences are expected to take: as many bits as their codes would have
// taken in the last blocks.
type costs struct {
	literal [256]int32
	lits    [64]int32                // of so many literals that are in front of a match
	match   [optimalEnough]int32     // of a match of so many bytes
	offset  [len(codeCounts{})]int32 // of one with that code

	// How often each occurred lately.
	literals [256]uint32
	counts   [3]codeCounts // of literals, matches and offsets
}

// usual is how often codes occur in guests' memory, in thousandths.
var usual = [3]codeCounts{
	{
		336, 379, 172, 48, 21, 11, 6, 3, 4, 3, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	},
	{
		205, 155, 82, 105, 124, 45, 29, 23, 21, 12, 17, 31, 34, 8, 4, 7, 5, 4, 5, 7, 10, 3, 2, 2, 1, 1, 1, 3, 3, 4, 1, 2,
		2, 2, 2, 1, 2, 2, 2, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	},
	{
		350, 49, 5, 17, 33, 37, 42, 42, 41, 42, 42, 41, 41, 41, 40, 36,
		29, 25, 16, 7, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	},
}

// Counts are multiplied by countWeight, so that something remains of small ones when they fade.
const countWeight = 4

// reset is called at the beginning of a frame.
func (c *costs) reset() {
	for kind := range usual {
		for code, n := range usual[kind] {
			c.counts[kind][code] = countWeight * n
		}
	}
	for i := range c.literals {
		c.literals[i] = 4 * countWeight
	}
	c.literals[0] *= 8
}

// learn lets the counts of the blocks before fade, those of literals more slowly, and adds those of p.
func (c *costs) learn(p *parts) {
	for kind, counts := range [3]*codeCounts{&p.litCount, &p.matchCount, &p.offsetCount} {
		known := &c.counts[kind]
		for code, n := range counts {
			known[code] += countWeight/2*n - known[code]/4
		}
	}
	for i := range c.literals {
		c.literals[i] -= c.literals[i] / 8
	}
	for _, b := range p.lits {
		c.literals[b] += countWeight / 2
	}
}

// prepare makes the costs of what was counted.
func (c *costs) prepare() {
	all := sumOf(c.literals[:])
	for i, n := range c.literals {
		// Huffman's codes have 1 to 11 bits.
		c.literal[i] = min(max(log2(all)-log2(n), bit), 11*bit)
	}
	lits, matches, offsets := &c.counts[0], &c.counts[1], &c.counts[2]
	all = sumOf(lits[:])
	for i := range c.lits {
		code := litCode(uint32(i))
		c.lits[i] = log2(all) - log2(lits[code]) + int32(litBits[code])*bit
	}
	all = sumOf(matches[:])
	for i := minMatch; i < len(c.match); i++ {
		code := matchCode(uint32(i - minMatch))
		c.match[i] = log2(all) - log2(matches[code]) + int32(matchBits[code])*bit
	}
	all = sumOf(offsets[:])
	for code, n := range offsets {
		c.offset[code] = log2(all) - log2(n) + int32(code)*bit
	}
}

// another gives what it costs that another literal follows n.
func (c *costs) another(n int32) int32 {
	if int(n)+1 >= len(c.lits) {
		return 0
	}
	return c.lits[n+1] - c.lits[n]
}

func sumOf(counts []uint32) (sum uint32) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// log2 gives about the logarithm of n+1 in bits: what stands behind its highest bit is taken as it is.
func log2(n uint32) int32 {
	n++
	whole := bits.Len32(n) - 1
	return int32(whole*bit) + int32(n*bit>>whole)
}
