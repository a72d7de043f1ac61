package pipe

// raw passes the input on as it is, spec §14.
type raw struct{}

func (raw) step(s *scanner) error {
	p, err := s.take(partContent)
	if err != nil {
		return err
	}
	p.out = s.intake.pools.out.GetSize(piece)
	n, err := s.in.read(p.out.B[:piece])
	p.out.B = p.out.B[:n]
	s.intake.send(p)
	return err
}
