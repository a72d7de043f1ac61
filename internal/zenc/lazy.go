package zenc

import "math/bits"

// lazyFinder knows several earlier places for each hash of five bytes and one for each of
// eight, and before it takes a match it looks whether one that begins a little later is better.
type lazyFinder struct {
	long    []uint32
	latest  []uint32 // entries by their hash of five bytes
	before  []uint32 // by place, the entry that it took the place of in latest
	next    int      // places from here on were not entered
	longLog uint8
	hashLog uint8
}

const (
	lazyDepth = 16      // places that are looked at for each
	lazyReach = 1 << 18 // how far back they are known
	// lazyEnough is the length of a match in place of which no other is looked for.
	lazyEnough = 256
)

func newLazyFinder(longLog, hashLog uint8) *lazyFinder {
	return &lazyFinder{
		long: make([]uint32, 1<<longLog), longLog: longLog,
		latest: make([]uint32, 1<<hashLog), hashLog: hashLog,
		before: make([]uint32, lazyReach),
	}
}

func (f *lazyFinder) reset() {
	clear(f.long)
	clear(f.latest)
	f.next = 0
}

// enter enters the places up to s. Of a long match only the last ones are worth it.
func (f *lazyFinder) enter(src []byte, s int) {
	for i := max(f.next, s-2*lazyEnough); i < s; i++ {
		v := load64(src, i)
		h := hash5(v, f.hashLog+tagBits)
		latest := &f.latest[h>>tagBits]
		f.before[i&(lazyReach-1)] = *latest
		*latest = uint32(i) | tagOf(h)
		enter(f.long, hash8(v, f.longLog+tagBits), i)
	}
	f.next = max(f.next, s)
}

// match is one of n bytes from so far back, and what it gains, in quarters of a byte.
type match struct{ n, offset, gain int }

// offer takes a match of n bytes that is better.
func (m *match) offer(n, offset, cost int) {
	if gain := 4*n - cost; gain > m.gain {
		*m = match{n, offset, gain}
	}
}

// offsetCost is what an offset costs, in quarters of a byte: half its bits.
func offsetCost(offset int) int { return bits.Len32(uint32(offset)) }

// best gives the best match at s.
func (f *lazyFinder) best(src []byte, s, end, rep, rep2 int) match {
	m := match{gain: 6}
	v := load64(src, s)
	if rep > 0 && uint32(v) == load32(src, s-rep) {
		m.offer(4+matchLen(src, s+4, s-rep+4, end), rep, 0)
	}
	if rep2 > 0 && uint32(v) == load32(src, s-rep2) {
		m.offer(4+matchLen(src, s+4, s-rep2+4, end), rep2, 1)
	}
	f.enter(src, s)
	h := hash8(v, f.longLog+tagBits)
	if t := int(f.long[h>>tagBits] ^ tagOf(h)); t < MaxContent && load64(src, t) == v {
		m.offer(8+matchLen(src, s+8, t+8, end), s-t, offsetCost(s-t))
	}
	if m.n < lazyEnough {
		f.search(&m, src, v, s, end)
	}
	return m
}

// search looks at earlier places with the same hash, the nearest first.
func (f *lazyFinder) search(m *match, src []byte, v uint64, s, end int) {
	h := hash5(v, f.hashLog+tagBits)
	entry, tag := f.latest[h>>tagBits], tagOf(h)
	t := placeOf(entry)
	for range lazyDepth {
		if t <= s-lazyReach || t == 0 || s+m.n == end { // none can be longer than to the end
			return
		}
		if entry^tag < MaxContent && (load64(src, t)^v)<<24 == 0 && (m.n < 8 || load32(src, t+m.n-3) == load32(src, s+m.n-3)) {
			m.offer(5+matchLen(src, s+5, t+5, end), s-t, offsetCost(s-t))
		}
		entry = f.before[t&(lazyReach-1)]
		earlier := placeOf(entry)
		if earlier >= t {
			return // overwritten
		}
		t = earlier
	}
}

func (f *lazyFinder) find(p *parts, src []byte, at, end int) {
	emit, limit := at, end-margin
	rep, rep2 := p.repeats.recent(at)
	for s := max(at, 1); s < limit; {
		m := f.best(src, s, end, rep, rep2)
		if m.n == 0 {
			f.enter(src, s+1)
			s += 1 + (s-emit)>>8
			f.next = max(f.next, s)
			continue
		}
		s, m = f.later(m, src, s, end, rep, rep2)
		back := matchBack(src, s, s-m.offset, s-emit)
		s, m.n = s-back, m.n+back
		if m.offset != rep {
			rep, rep2 = m.offset, rep
		}
		p.add(src, emit, s, m.n, m.offset)
		s += m.n
		emit = s
	}
	p.rest(src[emit:end])
}

// later takes a match that begins one or two bytes later instead, if that gains more than the
// literals in front of it cost; and again.
func (f *lazyFinder) later(m match, src []byte, s, end, rep, rep2 int) (int, match) {
	for by := 1; by <= 2 && m.n < lazyEnough && s+by < end-margin; by++ {
		if other := f.best(src, s+by, end, rep, rep2); other.gain > m.gain+3*by+1 {
			s, m, by = s+by, other, 0
		}
	}
	return s, m
}
