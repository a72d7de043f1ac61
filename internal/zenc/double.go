package zenc

// doubleFinder knows an earlier place for each hash of eight bytes and for each of five.
type doubleFinder struct {
	long, short       []uint32
	longLog, shortLog uint8
}

func (f *doubleFinder) entries() int { return 1<<f.longLog + 1<<f.shortLog }

func (f *doubleFinder) reset(tables []uint32) {
	tables = tables[:f.entries()]
	clear(tables)
	f.long, f.short = tables[:1<<f.longLog], tables[1<<f.longLog:]
}

// enterLong enters place s for long matches, and gives the one that was there, as enter does.
func (f *doubleFinder) enterLong(v uint64, s int) (before int) {
	return enter(f.long, hash8(v, f.longLog+tagBits), s)
}

// enterShort does so for short matches.
func (f *doubleFinder) enterShort(v uint64, s int) (before int) {
	return enter(f.short, hash5(v, f.shortLog+tagBits), s)
}

func (f *doubleFinder) find(p *parts, src []byte, at, end int) {
	emit, limit := at, end-margin
	rep, rep2 := p.repeats.recent(at)
	for s := max(at, 1); s < limit; {
		var t, n int // a match of n bytes at s is that at t
		for {
			v := load64(src, s)
			tl, ts := f.enterLong(v, s), f.enterShort(v, s)
			if uint32(v>>8) == load32(src, s+1-rep) && rep > 0 {
				s++
				t = s - rep
				n = 4 + matchLen(src, s+4, t+4, end)
				break
			}
			if tl < MaxContent && load64(src, tl) == v {
				t = tl
				n = 8 + matchLen(src, s+8, t+8, end)
				s, t, n = f.longer(src, s, t, n, end)
				break
			}
			if ts < MaxContent && (load64(src, ts)^v)<<24 == 0 {
				t = ts
				n = 5 + matchLen(src, s+5, t+5, end)
				s, t, n = f.longer(src, s, t, n, end)
				break
			}
			if s += 1 + (s-emit)>>8; s >= limit {
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
		f.enterMatch(src, s, s+n, limit)
		s += n
		emit = s
		// What repeats an offset is found by that, so it is not entered.
		for s < limit && rep2 > 0 && load32(src, s) == load32(src, s-rep2) {
			n := 4 + matchLen(src, s+4, s+4-rep2, end)
			rep, rep2 = rep2, rep
			p.add(src, emit, s, n, rep)
			s += n
			emit = s
		}
	}
	p.rest(src[emit:end])
}

// longer looks for a longer match in place of the one of n bytes at s, a byte
// later, and again, if there is one.
func (f *doubleFinder) longer(src []byte, s, t, n, end int) (int, int, int) {
	const enough = 64
	for n < enough && s < end-margin {
		v := load64(src, s+1)
		t2 := f.enterLong(v, s+1)
		if t2 >= MaxContent || load64(src, t2) != v {
			break
		}
		m := 8 + matchLen(src, s+9, t2+8, end)
		if m <= n+1 {
			break
		}
		s, t, n = s+1, t2, m
	}
	return s, t, n
}

// enterMatch enters some of the places in a match, src[at:end]: a few, so that
// it costs little, and one in 32, so that the next copy of a page is found
// wherever it begins.
func (f *doubleFinder) enterMatch(src []byte, at, end, limit int) {
	if end >= limit {
		return
	}
	v := load64(src, at+2)
	f.enterLong(v, at+2)
	f.enterShort(v, at+2)
	for s := at + 32; s < end-8; s += 32 {
		f.enterLong(load64(src, s), s)
	}
	v = load64(src, end-2)
	f.enterLong(v, end-2)
	f.enterShort(v>>8, end-1)
}
