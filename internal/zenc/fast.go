package zenc

// fastLog makes a table of 64 KiB: what misses the nearer caches costs more than
// what a larger table finds is worth at this effort.
const fastLog = 14

// fastFinder knows one earlier place for each hash of seven bytes.
type fastFinder struct {
	table *[1 << fastLog]uint32
}

func (f *fastFinder) entries() int { return len(f.table) }

func (f *fastFinder) reset(tables []uint32) {
	f.table = (*[1 << fastLog]uint32)(tables)
	clear(f.table[:])
}

// find compares what stands at a place that was never entered, and so reads as 0, like
// any other. Only place 0 itself is not looked at.
func (f *fastFinder) find(p *parts, src []byte, at, end int) {
	emit, limit, table := at, end-margin, f.table
	rep, rep2 := p.repeats.recent(at)
	for s := max(at, 1); s < limit; {
		var t, n int // a match of n bytes at s is that at t
		for {
			// Two places at once, and the latest offset two further on.
			v := load64(src, s)
			h0, h1 := hash7(v, fastLog), hash7(v>>8, fastLog)
			t0, t1 := int(table[h0]), int(table[h1])
			table[h0], table[h1] = uint32(s), uint32(s+1)
			if uint32(v>>16) == load32(src, s+2-rep) && rep > 0 {
				s += 2
				t = s - rep
				n = 4 + matchLen(src, s+4, t+4, end)
				break
			}
			if (load64(src, t0)^v)<<8 == 0 {
				t = t0
				n = 7 + matchLen(src, s+7, t+7, end)
				break
			}
			if (load64(src, t1)^v>>8)<<8 == 0 {
				s++
				t = t1
				n = 7 + matchLen(src, s+7, t+7, end)
				break
			}
			if s += 3 + (s-emit)>>8; s >= limit {
				p.rest(src[emit:end])
				return
			}
		}
		back := matchBack(src, s, t, s-emit)
		s, t, n = s-back, t-back, n+back
		if offset := s - t; offset != rep {
			rep, rep2 = offset, rep
		}
		p.add(src, emit, s, n, rep)
		s += n
		emit = s
		if s >= limit {
			break
		}
		table[hash7(load64(src, s-2), fastLog)] = uint32(s - 2)
		for s < limit && rep2 > 0 && load32(src, s) == load32(src, s-rep2) {
			table[hash7(load64(src, s), fastLog)] = uint32(s)
			n := 4 + matchLen(src, s+4, s+4-rep2, end)
			rep, rep2 = rep2, rep
			p.add(src, emit, s, n, rep)
			s += n
			emit = s
		}
	}
	p.rest(src[emit:end])
}
