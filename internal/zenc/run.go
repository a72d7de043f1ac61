package zenc

// minRun is the shortest match that is taken apart if it overlaps itself.
const minRun = 64

// wideRun is how far back all parts of a run but the first reach, at least.
const wideRun = 16

// run adds a match of minRun bytes or more that overlaps itself, such as a run of zeros, as
// several. The first begins the run, and each of the others copies all of it that
// there is by then. Frames grow by a few thousandths, but decoders copy what overlaps byte by
// byte, which took klauspost's a fifth of its time on guest memory.
func (p *parts) run(lit, n, offset int) {
	back, part := offset, offset
	if offset < wideRun {
		part = (wideRun - 1) / offset * offset
	}
	for n > part {
		part = min(part, n-minMatch) // leave enough for another
		p.sequence(uint32(lit), uint32(part-minMatch), uint32(back))
		lit, n = 0, n-part
		back = (back + part) / offset * offset
		part = back
	}
	p.sequence(uint32(lit), uint32(n-minMatch), uint32(back))
}
