package zenc

import "math/bits"

// parts is what a block is taken apart into: literals, and sequences that say
// how many of them come next and which match follows.
type parts struct {
	lits    []byte
	n       int // sequences
	seqs    [maxSeqs]seq
	repeats repeats

	// How often each code occurs.
	litCount, matchCount, offsetCount codeCounts
}

// maxSeqs is more than there can be: a match has four bytes at least, or three in a
// smaller block, and finders keep a margin.
const maxSeqs = maxBlock / 4

// seq is a sequence in codes, which stand for ranges, and extra bits, which
// tell the place in the range.
type seq struct {
	extra  uint64 // of literals, match and offset, in this order from the low end
	bits   uint8  // how many: 25 for the offset, and 31 for the others, which share a block
	lit    uint8
	match  uint8
	offset uint8
}

// codeCounts counts codes. It is a little larger than need be, so that a code that
// is masked needs no check.
type codeCounts [64]uint32

// start begins a block.
func (p *parts) start() {
	p.lits, p.n = p.lits[:0], 0
	p.litCount, p.matchCount, p.offsetCount = codeCounts{}, codeCounts{}, codeCounts{}
}

// wildCopy is how many literals are copied at once, needed or not.
const wildCopy = 16

// add adds literals src[from:at], and a match of n bytes from so far back.
func (p *parts) add(src []byte, from, at, n, offset int) {
	lit := at - from
	if k := len(p.lits); lit <= wildCopy && from+wildCopy <= len(src) {
		copy(p.lits[k:k+wildCopy], src[from:from+wildCopy])
		p.lits = p.lits[:k+lit]
	} else {
		p.lits = append(p.lits, src[from:at]...)
	}
	if offset < n && n >= minRun {
		p.run(lit, n, offset)
		return
	}
	p.sequence(uint32(lit), uint32(n-minMatch), uint32(offset))
}

// rest adds the literals behind the last match.
func (p *parts) rest(lits []byte) { p.lits = append(p.lits, lits...) }

// sequence adds a sequence. It is done here and not in a loop of its own
// behind, since here the processor has time for it, while it waits for memory.
func (p *parts) sequence(lit, match, offset uint32) {
	value := p.repeats.valueOf(offset, lit)
	l, m, o := litCode(lit), matchCode(match), uint8(bits.Len32(value)-1)
	ln, mn := litBits[l&63], matchBits[m&63]
	extra := uint64(low(lit, ln)) | uint64(low(match, mn))<<(ln&63) | uint64(low(value, o))<<((ln+mn)&63)
	p.seqs[p.n&(maxSeqs-1)] = seq{extra: extra, bits: ln + mn + o, lit: l, match: m, offset: o}
	p.n++
	p.litCount[l&63]++
	p.matchCount[m&63]++
	p.offsetCount[o&63]++
}

// low gives the low n bits of v.
func low(v uint32, n uint8) uint32 { return v & (1<<(n&31) - 1) }

// repeats are the last three offsets, latest first, which have values of their
// own, RFC 8878 §3.1.1.5.
type repeats [3]uint32

// startRepeats are those at the beginning of a frame.
var startRepeats = repeats{1, 4, 8}

// valueOf gives the value that stands for an offset behind so many literals, and
// moves the offset to the front.
func (r *repeats) valueOf(offset, lit uint32) uint32 {
	last := *r
	if offset == last[0] && lit > 0 {
		return 1
	}
	r[0], r[1] = offset, last[0]
	// Without literals the latest is no use, and all stand one place earlier.
	shift := uint32(0)
	if lit == 0 {
		shift = 1
	}
	if offset == last[1] {
		return 2 - shift
	}
	r[2] = last[1]
	switch {
	case offset == last[2]:
		return 3 - shift
	case lit == 0 && offset == last[0]-1:
		return 3
	}
	return offset + 3
}
