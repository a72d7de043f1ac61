package pipe

import (
	"encoding/binary"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

const (
	// wholeForeign is the most content that a foreign frame may have to be
	// decoded whole, and so in parallel: what pzstd makes at its default level.
	wholeForeign = 8 << 20
	// piece is how much content of a streamed frame, or of raw input, goes into
	// one part.
	piece = 256 << 10
)

// foreign scans any concatenation of zstd frames, spec §13. Frames of little
// content are decoded whole by the workers; all others are streamed, one after
// the other, by the scanner itself.
type foreign struct {
	open *frameReader // the frame that is being streamed
	some bool         // an ordinary frame was seen
}

// step reads one frame, or a piece of the one that is being streamed.
func (f *foreign) step(s *scanner) error {
	if f.open != nil {
		return f.stream(s)
	}
	magic, err := f.next(s)
	if err != nil {
		return err
	}
	if magic == zst.MagicFrame {
		return f.ordinary(s)
	}
	size, err := s.skippableSize()
	if err == nil {
		err = s.skip(size, skippableFrame, func([]byte) {})
	}
	if err != nil {
		return err
	}
	return s.passed()
}

// next gives the magic of the frame at hand, io.EOF at a good end.
func (f *foreign) next(s *scanner) (uint32, error) {
	b, err := s.in.peek(1)
	if len(b) == 0 {
		if err == io.EOF && !f.some {
			return 0, s.bad("", "TR-92", "input ends before any ordinary frame", io.ErrUnexpectedEOF)
		}
		return 0, err
	}
	if b, err = s.need(4, "next frame"); err != nil {
		return 0, err
	}
	magic := binary.LittleEndian.Uint32(b)
	f.some = f.some || magic == zst.MagicFrame
	return magic, judgeForeignMagic(s.place(), magic)
}

// judgeForeignMagic says whether a frame with that magic may stand in a foreign
// stream.
func judgeForeignMagic(at place, magic uint32) error {
	switch {
	case magic == zst.MagicOwn:
		return at.bad("", "TR-91", "frame of a sealed stream inside a foreign one", frame.ErrCorrupt)
	case magic == zst.MagicFrame, zst.IsSkippable(magic):
		return nil
	}
	return at.bad("", "TR-60", "no frame begins here", frame.ErrCorrupt)
}

// skippableSize gives the size of the skippable frame at hand, on the wire.
func (s *scanner) skippableSize() (int64, error) {
	b, err := s.need(zst.SkippableHeaderSize, skippableFrame)
	if err != nil {
		return 0, err
	}
	size := int64(binary.LittleEndian.Uint32(b[4:]))
	if size > s.cfg.maxSkippable {
		return 0, s.tooLarge(skippableFrame, "too large", s.cfg.maxSkippable, size)
	}
	return zst.SkippableHeaderSize + size, nil
}

// ordinary sends a frame whole, or begins to stream it.
func (f *foreign) ordinary(s *scanner) error {
	var w zst.Walker
	h, err := s.frameHeader(&w)
	if err != nil {
		return err
	}
	if h.Dictionary {
		return s.bad(dataFrame, "TR-94", "needs a dictionary", frame.ErrUnsupported)
	}
	if h.Window > uint64(s.cfg.maxWindow) {
		e := s.place().tooLarge(dataFrame, "window too large", s.cfg.maxWindow, h.Window)
		e.Err = &WindowError{Window: h.Window}
		return e
	}
	if h.HasContentSize {
		if err := s.admit(dataFrame, h.ContentSize); err != nil {
			return err
		}
	}
	if !h.HasContentSize || h.ContentSize <= uint64(s.cfg.wholeForeign()) {
		ok, err := f.whole(s, &w)
		if ok || err != nil {
			return err
		}
	}
	return f.begin(s, w)
}

// whole sends the frame at hand if it turns out to have little content. Its
// blocks tell how much it can be.
func (f *foreign) whole(s *scanner, w *zst.Walker) (bool, error) {
	limit := int64(s.cfg.wholeForeign())
	for w.Need() > 0 {
		if w.Pos() > int64(zst.MaxFrameSize(int(limit))) || !w.Header().HasContentSize && w.MaxContent() > limit {
			return false, nil
		}
		if err := s.walk(w); err != nil {
			return false, err
		}
	}
	size, exact := w.MaxContent(), w.Header().HasContentSize
	if exact {
		if int64(w.Header().ContentSize) > size {
			return false, s.place().tooFewBlocks()
		}
		size = int64(w.Header().ContentSize)
	}
	if size > limit || w.Pos() > int64(zst.MaxFrameSize(int(limit))) {
		return false, nil
	}
	if _, err := s.need(int(w.Pos()), dataFrame); err != nil {
		return false, err
	}
	p, err := s.takeFrame(partZstd, int(w.Pos()), int(size))
	if err != nil {
		return false, err
	}
	p.exact = exact
	s.intake.send(p)
	return true, s.passed()
}

// begin begins to stream the frame at hand.
func (f *foreign) begin(s *scanner, w zst.Walker) error {
	if s.codec == nil {
		codec, err := newCodec(1, s.cfg.maxWindow)
		if err != nil {
			return err
		}
		s.codec = codec
	}
	f.open = &frameReader{s: s, w: w}
	return s.codec.Reset(f.open)
}

// stream decodes a piece of the frame that is being streamed. The decoder does
// not tell its source's errors apart from the end, so the reader's own word
// comes first.
func (f *foreign) stream(s *scanner) error {
	p, err := s.take(partContent)
	if err != nil {
		return err
	}
	p.out = s.intake.pools.out.GetSize(piece)
	n, err := s.codec.Read(p.out.B[:piece])
	p.out.B = p.out.B[:n]
	s.intake.send(p)
	switch {
	case err == nil:
		return nil
	case f.open.err != nil && f.open.err != io.EOF:
		return f.open.err
	case err != io.EOF:
		return undecodable(s.place(), err)
	case f.open.err != io.EOF:
		return s.bad(dataFrame, "TR-24", "decoder stopped before the end of the frame", frame.ErrCorrupt)
	}
	f.open = nil
	s.meter.frames.Add(1)
	return s.passed()
}
