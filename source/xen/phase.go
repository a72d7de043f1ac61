package xen

// A walk is a succession of phases. Each wants so many bytes, whole units of
// them at a time, and knows what comes behind it:
//
//	expect   a structure of fixed size, in one piece: a header
//	items    structures of one size, as many at once as there are: entries
//	bytes    bytes in any pieces: a context within a record
//	skip     bytes that nobody looks at: pages
//
// A unit that is cut by the end of a write is gathered in carry; all others are
// worked on where they lie. So it makes no difference how the stream is cut,
// and nothing is kept but what a unit needs.
//
//	xl header - optional data -+
//	                           v
//	             libxl header - LIBXC_CONTEXT - libxc headers - record … END
//	                            ^      record … <- CHECKPOINT -' |    |
//	                            '---- CHECKPOINT_END             |    |
//	                                                             v    |
//	                            record … END <--------------------    |
//	                                      |                           v
//	                                      '-------------> whatever comes behind
type phase struct {
	unit  int
	left  int64                       // bytes that are wanted; a multiple of unit
	take  func(*Walker, []byte) error // gets whole units; nil to skip
	then  func(*Walker) error         // what comes behind
	have  int                         // bytes of a cut unit
	carry [maxUnit]byte

	body   bool  // the phase is part of a record's body
	bodyAt int64 // where that body begins
}

// maxUnit is the largest unit: xl's header.
const maxUnit = 48

// expect wants n bytes in one piece, then is for what take leaves open: a take
// that sets another phase needs none.
func (w *Walker) expect(n int, take func(*Walker, []byte) error) { w.items(n, int64(n), take, nil) }

// items wants n bytes in whole units.
func (w *Walker) items(unit int, n int64, take func(*Walker, []byte) error, then func(*Walker) error) {
	w.unit, w.left, w.take, w.then = unit, n, take, then
}

// bytes wants n bytes in any pieces.
func (w *Walker) bytes(n int64, take func(*Walker, []byte) error, then func(*Walker) error) {
	w.items(1, n, take, then)
}

// skip wants n bytes and looks at none.
func (w *Walker) skip(n int64, then func(*Walker) error) { w.items(1, n, nil, then) }

// blind says whether nobody looks at the bytes of this phase.
func (w *Walker) blind() bool {
	return w.kind != Opaque && w.take == nil && !w.shown()
}

// shown says whether the bytes of this phase go to the visitor's Body.
func (w *Walker) shown() bool {
	return w.body && w.visit.Body != nil && !w.pages.inside
}

// advance works on at least one byte of p, which is not empty.
func (w *Walker) advance(p []byte) (int, error) {
	switch {
	case w.kind == Opaque:
		return w.recognise(p)
	case w.have > 0 || len(p) < w.unit:
		return w.gather(p)
	}
	n := min(int64(len(p)-len(p)%w.unit), w.left)
	if err := w.give(p[:n:n]); err != nil {
		return 0, err
	}
	return int(n), w.passed(n)
}

// gather completes a unit that is cut.
func (w *Walker) gather(p []byte) (int, error) {
	n := copy(w.carry[w.have:w.unit], p)
	if w.have += n; w.have < w.unit {
		return n, nil
	}
	w.have = 0
	if err := w.give(w.carry[:w.unit:w.unit]); err != nil {
		return 0, err
	}
	return n, w.passed(int64(w.unit))
}

// give hands whole units to those who asked for them.
func (w *Walker) give(b []byte) error {
	if w.shown() {
		w.visit.Body(w.record(), w.off-w.bodyAt, b)
	}
	if w.take == nil {
		return nil
	}
	return w.take(w, b)
}

// passed counts n bytes of the phase, and enters the next phase that wants any.
func (w *Walker) passed(n int64) error {
	w.off += n
	w.left -= n
	for w.left == 0 {
		if err := w.then(w); err != nil {
			return err
		}
	}
	return nil
}
