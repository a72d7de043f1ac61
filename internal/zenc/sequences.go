package zenc

import "encoding/binary"

const (
	// minMatch is what a code of a match length counts from.
	minMatch = 3
	// A table for each kind of codes may have so many states, as a logarithm.
	maxLitLog, maxMatchLog, maxOffsetLog = 9, 9, 8
)

// sequenceCoder codes the sequences of a block. The zero value is ready for
// use; nothing is kept from one block to the next but memory.
type sequenceCoder struct {
	lits, matches, offsets fseTable
	norm                   shares
}

// appendCount appends the number of sequences.
func appendCount(dst []byte, n int) []byte {
	switch {
	case n < 128:
		return append(dst, byte(n))
	case n < 0x7f00:
		return append(dst, byte(n>>8+128), byte(n))
	}
	n -= 0x7f00
	return append(dst, 255, byte(n), byte(n>>8))
}

// append appends the sequences section. It gives up, with false, if dst would
// grow up to limit.
func (c *sequenceCoder) append(dst []byte, p *parts, limit int) ([]byte, bool) {
	dst = appendCount(dst, p.n)
	if p.n == 0 {
		return dst, true
	}
	modes := len(dst)
	dst = append(dst, 0)
	dst, lit := c.appendTable(dst, &c.lits, &p.litCount, p.n, maxLitLog)
	dst, offset := c.appendTable(dst, &c.offsets, &p.offsetCount, p.n, maxOffsetLog)
	last := len(dst)
	dst, match := c.appendTable(dst, &c.matches, &p.matchCount, p.n, maxMatchLog)
	dst[modes] = lit<<6 | offset<<4 | match<<2
	dst, ok := c.appendBits(dst, p.seqs[:p.n], limit)
	// The zstd command up to 1.3.4 takes four bytes of a table at once.
	return dst, ok && (match == modeRLE || len(dst)-last >= 4)
}

// Modes of a table, RFC 8878 §3.1.1.3.2.1.
const (
	modeRLE = 1
	modeFSE = 2
)

// appendTable makes a table for those counts, appends its description and gives
// its mode.
func (c *sequenceCoder) appendTable(dst []byte, t *fseTable, counts *codeCounts, total int, limit uint8) ([]byte, byte) {
	last := len(counts) - 1
	for counts[last] == 0 {
		last--
	}
	if counts[last] == uint32(total) {
		t.only(last)
		return append(dst, byte(last)), modeRLE
	}
	used := counts[:last+1]
	log := tableLogFor(total, len(used), limit)
	normalize(&c.norm, used, total, log)
	t.build(c.norm[:len(used)], log)
	return appendNorm(dst, c.norm[:len(used)], log), modeFSE
}

// appendBits appends the bits of the sequences, the last one first, since they
// are read backwards.
func (c *sequenceCoder) appendBits(dst []byte, seqs []seq, limit int) ([]byte, bool) {
	const most = 40 // bytes for a sequence and the end, and what a flush touches
	b := bitWriter{buf: dst[:cap(dst)], at: len(dst)}
	limit = min(limit, cap(dst)) - most
	last := len(seqs) - 1
	s := &seqs[last]
	offset, match, lit := c.offsets.first(s.offset), c.matches.first(s.match), c.lits.first(s.lit)
	for i := last; ; {
		if b.at > limit {
			return dst, false
		}
		// A flush leaves 7 bits. The states add 26 at most, the extra bits 56.
		if b.n+uint(s.bits) > 64 {
			b.flush()
		}
		b.add(s.extra, uint(s.bits))
		b.flush()
		if i--; i < 0 {
			break
		}
		s = &seqs[i]
		var x, y, z fseBits
		offset, x = c.offsets.next(offset, s.offset)
		match, y = c.matches.next(match, s.match)
		lit, z = c.lits.next(lit, s.lit)
		b.add(x.v|y.v<<(x.n&63)|z.v<<((x.n+y.n)&63), x.n+y.n+z.n)
	}
	b.add(uint64(low(match, c.matches.log)), uint(c.matches.log))
	b.add(uint64(low(offset, c.offsets.log)), uint(c.offsets.log))
	b.add(uint64(low(lit, c.lits.log)), uint(c.lits.log))
	b.add(1, 1) // by which the reader finds the beginning
	b.flush()
	if b.n > 0 {
		b.at++
	}
	return b.buf[:b.at], true
}

// bitWriter writes bits from the low end up. buf has to have eight bytes behind
// at.
type bitWriter struct {
	buf []byte
	at  int
	w   uint64
	n   uint
}

// add adds n bits, and no more than 64 since the last flush. The others in v are 0.
func (b *bitWriter) add(v uint64, n uint) {
	b.w |= v << (b.n & 63)
	b.n += n
}

// flush leaves fewer than eight bits.
func (b *bitWriter) flush() {
	binary.LittleEndian.PutUint64(b.buf[b.at:], b.w)
	b.at += int(b.n >> 3)
	b.w >>= b.n &^ 7
	b.n &= 7
}
