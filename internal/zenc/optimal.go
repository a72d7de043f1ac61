package zenc

import "math/bits"

// optimalFinder takes a block apart in the way that is expected to take fewest bits. From
// where there is a match it follows all ways on and keeps the cheapest one to each place, until they
// meet or a match is so long that it is taken in any case.
type optimalFinder struct {
	long  []uint32 // places by their hash of eight bytes
	short []uint32 // the latest two by their hash of five bytes
	near  []uint32 // by their hash of three bytes

	longLog, shortLog, nearLog uint8

	costs costs
	cands [8]candidate // the first n are what search found, the longer the later
	n     int
	ways  [optimalSpan + optimalEnough]way // by distance from where they part
	steps []step                           // on the cheapest one, the last first
}

const (
	// optimalSpan is how far ways are followed.
	optimalSpan = 512
	// optimalEnough is the length of a match that is taken in any case.
	optimalEnough = 48
	// optimalNear is how far back a match of three bytes is worth its offset.
	optimalNear = 1 << 16
)

// candidate is a match that a way may go on with.
type candidate struct {
	n, offset int
	cost      int32 // of the offset
}

// way is the cheapest way to a place.
type way struct {
	cost    int32
	lits    int32 // behind its last match
	n       int32 // bytes of the last match
	offset  uint32
	repeats repeats
}

// step is a match on a way.
type step struct{ at, n, offset int }

func (f *optimalFinder) entries() int { return 1<<f.longLog + 2<<f.shortLog + 1<<f.nearLog }

func (f *optimalFinder) reset(tables []uint32) {
	tables = tables[:f.entries()]
	clear(tables)
	f.long, tables = tables[:1<<f.longLog], tables[1<<f.longLog:]
	f.short, f.near = tables[:2<<f.shortLog], tables[2<<f.shortLog:]
	f.costs.reset()
}

func (f *optimalFinder) find(p *parts, src []byte, at, end int) {
	f.costs.prepare()
	emit, limit := at, end-margin
	for s := max(at, 1); s < limit; {
		best := f.search(src, s, end, &p.repeats, s > emit)
		if best == 0 {
			s += 1 + (s-emit)>>8
			continue
		}
		if best < optimalEnough {
			s, emit = f.follow(p, src, s, emit, end)
			continue
		}
		n, offset := best, f.cands[f.n-1].offset
		back := matchBack(src, s, s-offset, s-emit)
		p.add(src, emit, s-back, n+back, offset)
		f.enterMatch(src, s+1, min(s+n, limit))
		s += n
		emit = s
	}
	p.rest(src[emit:end])
	f.costs.learn(p)
}

// follow follows all ways from s on, where search has just found something, and adds the matches of the
// cheapest one. It gives where that ends, and where its last match does.
func (f *optimalFinder) follow(p *parts, src []byte, s, emit, end int) (int, int) {
	limit := end - margin
	f.ways[0] = way{lits: int32(s - emit), repeats: p.repeats}
	last := f.spread(0, 0) // the farthest place that there is a way to
	long := 0              // the match behind the way, if it is long
	at := 1
	for ; ; at++ {
		w := f.arrive(at, src[s+at-1])
		if at == last || at >= optimalSpan {
			break
		}
		if s+at >= limit {
			continue
		}
		// Hardly anything that begins here is better if there is a way that goes on at the same cost.
		if f.ways[at+1].cost <= w.cost+bit {
			f.enter(src, s+at)
			continue
		}
		best := f.search(src, s+at, end, &w.repeats, w.lits > 0)
		if best >= optimalEnough {
			long = best
			break
		}
		if best > 0 {
			last = f.spread(at, last)
		}
	}
	emit = f.take(p, src, s, at, emit)
	s += at
	if long > 0 {
		p.add(src, emit, s, long, f.cands[f.n-1].offset)
		f.enterMatch(src, s+1, min(s+long, limit))
		s += long
		emit = s
	}
	return s, emit
}

// arrive completes the way to a place, of which only those that end in a match are known: by a literal, which
// stands before the place, it may be cheaper.
func (f *optimalFinder) arrive(at int, literal byte) *way {
	w, prev := &f.ways[at], &f.ways[at-1]
	if cost := prev.cost + f.costs.literal[literal] + f.costs.another(prev.lits); cost <= w.cost {
		*w = way{cost, prev.lits + 1, prev.n, prev.offset, prev.repeats}
		return w
	}
	from := &f.ways[at-int(w.n)]
	w.repeats = from.repeats
	w.repeats.valueOf(w.offset, uint32(from.lits))
	return w
}

// spread lets the way to a place go on with each candidate, at every length that no cheaper one has. last is the
// farthest place that there was a way to; it gives the farthest that there is one to now.
func (f *optimalFinder) spread(at, last int) int {
	base := f.ways[at].cost + f.costs.lits[0]
	least := minMatch
	for _, c := range f.cands[:f.n] {
		for last < at+c.n {
			last++
			f.ways[last].cost = 1 << 30
		}
		for n := c.n; n >= least; n-- {
			w, cost := &f.ways[at+n], base+c.cost+f.costs.match[n]
			if cost >= w.cost {
				break // and shorter ones hardly are better
			}
			w.cost, w.lits, w.n, w.offset = cost, 0, int32(n), uint32(c.offset)
		}
		least = c.n + 1
	}
	return last
}

// take adds the matches on the way from s to the place at, and gives where the last one ends.
func (f *optimalFinder) take(p *parts, src []byte, s, at, emit int) int {
	f.steps = f.steps[:0]
	for at -= int(f.ways[at].lits); at > 0; at -= int(f.ways[at].lits) {
		w := &f.ways[at]
		at -= int(w.n)
		f.steps = append(f.steps, step{s + at, int(w.n), int(w.offset)})
	}
	for i := len(f.steps) - 1; i >= 0; i-- {
		m := &f.steps[i]
		p.add(src, emit, m.at, m.n, m.offset)
		emit = m.at + m.n
	}
	return emit
}

// search enters place s, finds candidates for a match there, and gives the length of the longest, or 0. A
// candidate is longer than those before it, which have cheaper offsets.
func (f *optimalFinder) search(src []byte, s, end int, r *repeats, lits bool) int {
	f.n = 0
	v := load64(src, s)
	near := enter(f.near, hash3(v, f.nearLog+tagBits), s)
	long := enter(f.long, hash8(v, f.longLog+tagBits), s)
	hash := hash5(v, f.shortLog+tagBits)
	short := enterTwo(f.short, hash, s)
	best := minMatch - 1
	for i, offset := range r {
		if t := s - int(offset); t >= 0 && (i > 0 || lits) {
			n := common(src, v, t)
			if n == 8 {
				n += matchLen(src, s+8, t+8, end)
			}
			best = f.offer(best, n, int(offset), min(i, 1))
		}
	}
	if best < minMatch && near < MaxContent && s-near <= optimalNear {
		best = f.offerAt(best, common(src, v, near), s-near)
	}
	if best < optimalEnough {
		for _, entry := range short {
			if t := int(entry ^ tagOf(hash)); t < MaxContent {
				n := common(src, v, t)
				if n == 8 {
					n += matchLen(src, s+8, t+8, end)
				}
				best = f.offerAt(best, n, s-t)
			}
		}
		if long < MaxContent && load64(src, long) == v {
			best = f.offerAt(best, 8+matchLen(src, s+8, long+8, end), s-long)
		}
	}
	if f.n == 0 {
		return 0
	}
	return best
}

// offerAt takes a candidate if it is longer than best, and gives the longer of both.
func (f *optimalFinder) offerAt(best, n, offset int) int {
	return f.offer(best, n, offset, bits.Len32(uint32(offset+3))-1)
}

// offer does so for an offset of that code.
func (f *optimalFinder) offer(best, n, offset, code int) int {
	if n <= best {
		return best
	}
	f.cands[f.n&7] = candidate{n, offset, f.costs.offset[code&31]}
	f.n++
	return n
}

// common counts how many bytes from t on are those of v, up to eight.
func common(src []byte, v uint64, t int) int {
	return bits.TrailingZeros64(load64(src, t)^v) >> 3
}

// enterTwo enters place s by a hash, and gives the two entries that were there.
func enterTwo(table []uint32, hash uint64, s int) (before [2]uint32) {
	entries := (*[2]uint32)(table[hash>>tagBits<<1:])
	before = *entries
	entries[0], entries[1] = uint32(s)|tagOf(hash), before[0]
	return before
}

// enter enters a place that no candidates are searched for.
func (f *optimalFinder) enter(src []byte, s int) {
	v := load64(src, s)
	enter(f.near, hash3(v, f.nearLog+tagBits), s)
	enter(f.long, hash8(v, f.longLog+tagBits), s)
	enterTwo(f.short, hash5(v, f.shortLog+tagBits), s)
}

// enterMatch enters some of the places in a long match, src[at:end]: the first and the last, and one in eight
// between them.
func (f *optimalFinder) enterMatch(src []byte, at, end int) {
	const some = 16
	for s := at; s < end; s++ {
		if s == at+some {
			for ; s < end-some; s += 8 {
				enter(f.long, hash8(load64(src, s), f.longLog+tagBits), s)
			}
		}
		f.enter(src, s)
	}
}
