package survey

// pfnSet is a set of frame numbers. It takes memory for what is in it and not for
// what numbers there could be, and only up to a limit.
type pfnSet struct {
	parts   map[uint64]*part
	n       int64
	refused int64
}

// part holds the frame numbers that differ in their low bits.
type part [1 << partBits / 64]uint64

const (
	partBits = 15
	// mostParts bounds a set to 32 MiB. It is enough for a guest of a tebibyte,
	// whose frame numbers lie together.
	mostParts = 1 << 13
)

// add adds a number and says whether it was there before.
func (s *pfnSet) add(pfn uint64) (again bool) {
	p := s.parts[pfn>>partBits]
	if p == nil {
		if len(s.parts) == mostParts {
			s.refused++
			return false
		}
		if s.parts == nil {
			s.parts = make(map[uint64]*part)
		}
		p = new(part)
		s.parts[pfn>>partBits] = p
	}
	word, bit := &p[pfn%(1<<partBits)/64], uint64(1)<<(pfn%64)
	if *word&bit != 0 {
		return true
	}
	*word |= bit
	s.n++
	return false
}
