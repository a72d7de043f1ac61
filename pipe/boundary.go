package pipe

import (
	"io"

	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// frameHeader walks over the header of the ordinary frame at hand, without
// using it up.
func (s *scanner) frameHeader(w *zst.Walker) (zst.FrameHeader, error) {
	for !w.InBlocks() {
		if err := s.walk(w); err != nil {
			return zst.FrameHeader{}, err
		}
	}
	return w.Header(), nil
}

// wholeFrame walks to the end of the ordinary frame at hand and gives all of
// it, without using it up; nothing if it is larger than limit, as far as it was
// walked.
func (s *scanner) wholeFrame(w *zst.Walker, limit int) ([]byte, error) {
	for w.Pos() <= int64(limit) {
		if w.Need() == 0 {
			b, err := s.need(int(w.Pos()), dataFrame)
			if err != nil {
				return nil, err
			}
			return b[:w.Pos()], nil
		}
		if err := s.walk(w); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// walk makes one step of a walker whose frame begins at hand.
func (s *scanner) walk(w *zst.Walker) error {
	at := int(w.Pos())
	b, err := s.need(at+w.Need(), dataFrame)
	if err != nil {
		return err
	}
	return s.at(w.Step(b[at:]), at)
}

// frameReader is io.Reader over exactly one ordinary frame at hand, and uses it
// up. Its error sticks, since what reads from it may not tell.
type frameReader struct {
	s   *scanner
	w   zst.Walker // may have walked ahead
	pos int64      // bytes given so far
	err error
}

// Read gives io.EOF at the end of the frame and nowhere else.
func (f *frameReader) Read(p []byte) (int, error) {
	if f.err != nil || len(p) == 0 {
		return 0, f.err
	}
	n, err := f.read(p)
	f.pos += int64(n)
	f.err = err
	return n, err
}

func (f *frameReader) read(p []byte) (int, error) {
	for f.pos == f.w.Pos() {
		if f.w.Need() == 0 {
			return 0, io.EOF
		}
		b, err := f.s.need(f.w.Need(), dataFrame)
		if err != nil {
			return 0, err
		}
		if err := f.s.at(f.w.Step(b), 0); err != nil {
			return 0, err
		}
	}
	n, err := f.s.in.read(p[:min(int64(len(p)), f.w.Pos()-f.pos)])
	if err == io.EOF {
		err = f.s.cut(dataFrame, 0)
	}
	return n, err
}
