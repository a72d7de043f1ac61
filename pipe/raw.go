package pipe

// raw passes the input on as it is, spec §14.
type raw struct{}

func (raw) step(r *Restorer) error {
	n, err := r.in.read(r.out.free())
	r.out.filled(n)
	if tooMuch := r.admit(int64(n)); tooMuch != nil {
		return tooMuch
	}
	return err
}
