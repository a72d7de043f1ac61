package zenc

import (
	"encoding/binary"
	"math/bits"
)

// maxTableLog is the most of the three kinds of codes.
const maxTableLog = 9

// fseTable encodes symbols of one kind. RFC 8878 §4.1 says how it follows from
// the counts; how it is laid out here is FSE's own way of looking a state up
// without dividing.
type fseTable struct {
	log     uint8
	state   [1 << maxTableLog]uint16
	symbols [64]fseSymbol
}

// fseSymbol turns a state into the next one: the bits to be written are the low
// (state + deltaBits) >> 16 ones of state, and what remains of it, plus
// deltaState, is the place of the next state.
type fseSymbol struct {
	deltaBits  uint32
	deltaState int32
}

// shares are states for each symbol of a table.
type shares [64]uint16

// only makes the table of a single symbol, which takes no bits.
func (t *fseTable) only(symbol int) {
	t.log = 0
	t.state[0] = 0
	t.symbols[symbol] = fseSymbol{}
}

// tableLogFor gives the log of a table's size that is worth its header for
// total symbols of alphabet kinds.
func tableLogFor(total, alphabet int, limit uint8) uint8 {
	log := bits.Len(uint(total-1)) - 3
	log = max(log, bits.Len(uint(alphabet))+1, 5)
	return uint8(min(log, int(limit)))
}

// normalize gives every symbol that occurs its share of the table's states, at
// least one, so that the shares add up to 1<<log.
func normalize(norm *shares, counts []uint32, total int, log uint8) {
	left := 1 << log
	largest := 0
	// Shares are rounded to the nearest; scale has 32 bits behind the point.
	scale := uint64(1) << (32 + log) / uint64(total)
	for i, n := range counts {
		if n == 0 {
			norm[i] = 0
			continue
		}
		share := max(1, uint16((uint64(n)*scale+1<<31)>>32))
		norm[i] = share
		left -= int(share)
		if n > counts[largest] {
			largest = i
		}
	}
	if left > 0 || int(norm[largest])+left > int(norm[largest])/2+1 {
		norm[largest] += uint16(left)
		return
	}
	// Too many small ones were rounded up: the large ones pay in turn.
	for left < 0 {
		largest = 0
		for i := range counts {
			if norm[i] > norm[largest] {
				largest = i
			}
		}
		norm[largest]--
		left++
	}
}

// build makes the table of those shares.
func (t *fseTable) build(norm []uint16, log uint8) {
	t.log = log
	size := 1 << log
	var symbol [1 << maxTableLog]uint8
	step, mask, at := size>>1+size>>3+3, size-1, 0
	var next [64]uint32
	sum := uint32(0)
	for s, n := range norm {
		next[s] = sum
		for range n {
			symbol[at&(1<<maxTableLog-1)] = uint8(s)
			at = (at + step) & mask
		}
		t.symbols[s] = fseSymbol{}
		switch {
		case n == 1:
			t.symbols[s] = fseSymbol{uint32(log)<<16 - uint32(size), int32(sum) - 1}
		case n > 1:
			most := uint32(log) - uint32(bits.Len16(n-1)) + 1
			t.symbols[s] = fseSymbol{most<<16 - uint32(n)<<most, int32(sum) - int32(n)}
		}
		sum += uint32(n)
	}
	for i, s := range symbol[:size] {
		t.state[next[s]] = uint16(size + i)
		next[s]++
	}
}

// first gives the state of the symbol that is coded first and read last.
func (t *fseTable) first(symbol uint8) uint32 {
	s := t.symbols[symbol&63]
	n := (s.deltaBits + 1<<15) >> 16
	return uint32(t.state[(int32((n<<16-s.deltaBits)>>(n&31))+s.deltaState)&(1<<maxTableLog-1)])
}

// fseBits are n bits.
type fseBits struct {
	v uint64
	n uint
}

// next gives the state of the next symbol, and the bits that lead back from it.
func (t *fseTable) next(state uint32, symbol uint8) (uint32, fseBits) {
	s := t.symbols[symbol&63]
	n := uint8((state + s.deltaBits) >> 16)
	to := (int32(state>>(n&31)) + s.deltaState) & (1<<maxTableLog - 1)
	return uint32(t.state[to]), fseBits{uint64(low(state, n)), uint(n)}
}

// appendNorm appends the description of a table, RFC 8878 §4.1.1.
func appendNorm(dst []byte, norm []uint16, log uint8) []byte {
	var w uint64
	var n uint
	put := func(v, bits int) {
		w |= uint64(v) << n
		n += uint(bits)
		if n >= 32 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(w))
			w >>= 32
			n -= 32
		}
	}
	put(int(log)-5, 4)
	remaining, threshold, width := 1<<log+1, 1<<log, int(log)+1
	for s := 0; remaining > 1; {
		count := int(norm[s])
		s++
		most := 2*threshold - 1 - remaining
		remaining -= count
		v := count + 1
		if v >= threshold {
			v += most
		}
		if v < most {
			put(v, width-1)
		} else {
			put(v, width)
		}
		if count == 0 {
			zeros := 0
			for norm[s] == 0 {
				s++
				zeros++
			}
			for ; zeros >= 3; zeros -= 3 {
				put(3, 2)
			}
			put(zeros, 2)
		}
		for remaining < threshold && threshold > 1 {
			width--
			threshold >>= 1
		}
	}
	for ; int(n) > 0; n -= min(n, 8) {
		dst = append(dst, byte(w))
		w >>= 8
	}
	return dst
}
