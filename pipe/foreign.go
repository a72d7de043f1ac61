package pipe

import (
	"encoding/binary"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// foreign reads any concatenation of zstd frames, spec §13. Frames of known
// size up to a piece of the queue are decoded whole, all others are streamed.
type foreign struct {
	open *frameReader // the frame that is being streamed
	some bool         // an ordinary frame was seen
}

// step reads one frame, or a piece of the one that is being streamed.
func (f *foreign) step(r *Restorer) error {
	if f.open != nil {
		return f.stream(r)
	}
	b, err := r.in.peek(1)
	if len(b) == 0 {
		if err == io.EOF && !f.some {
			return r.bad("", "TR-92", "input ends before any ordinary frame", io.ErrUnexpectedEOF)
		}
		return err
	}
	if b, err = r.need(4, "next frame"); err != nil {
		return err
	}
	magic := binary.LittleEndian.Uint32(b)
	switch {
	case magic == zst.MagicFrame:
		f.some = true
		return f.ordinary(r)
	case magic == zst.MagicOwn:
		return r.bad("", "TR-91", "frame of a sealed stream inside a foreign one", frame.ErrCorrupt)
	case zst.IsSkippable(magic):
		return f.skip(r)
	}
	return r.bad("", "TR-60", "no frame begins here", frame.ErrCorrupt)
}

// skip passes over a skippable frame.
func (f *foreign) skip(r *Restorer) error {
	b, err := r.need(zst.SkippableHeaderSize, "skippable frame")
	if err != nil {
		return err
	}
	left := int64(binary.LittleEndian.Uint32(b[4:]))
	if left > r.cfg.maxSkippable {
		return r.tooLarge("skippable frame", "too large", r.cfg.maxSkippable, left)
	}
	r.in.discard(zst.SkippableHeaderSize)
	for left > 0 {
		if b, err = r.need(1, "skippable frame"); err != nil {
			return err
		}
		n := min(int64(len(b)), left)
		r.in.discard(int(n))
		left -= n
	}
	return r.passed()
}

// ordinary decodes a frame whole, or begins to stream it.
func (f *foreign) ordinary(r *Restorer) error {
	var w zst.Walker
	h, err := r.frameHeader(&w)
	if err != nil {
		return err
	}
	if h.Dictionary {
		return r.bad(dataFrame, "TR-94", "needs a dictionary", frame.ErrUnsupported)
	}
	if h.Window > uint64(r.cfg.maxWindow) {
		return r.tooLarge(dataFrame, "window too large", r.cfg.maxWindow, h.Window)
	}
	if h.HasContentSize && h.ContentSize <= DefaultChunk {
		whole, ok, err := r.wholeFrame(&w, zst.MaxFrameSize(int(h.ContentSize)))
		if err != nil {
			return err
		}
		if ok {
			return f.whole(r, whole, &w)
		}
	}
	dec, err := r.decoder()
	if err != nil {
		return err
	}
	f.open = &frameReader{r: r, w: w}
	return dec.Reset(f.open)
}

func (f *foreign) whole(r *Restorer, whole []byte, w *zst.Walker) error {
	if _, err := r.decodeWhole(whole, w); err != nil {
		return err
	}
	r.in.discard(len(whole))
	return r.passed()
}

// stream decodes a piece of the frame that is being streamed. The decoder does
// not tell its source's errors apart from the end, so the reader's own word
// comes first.
func (f *foreign) stream(r *Restorer) error {
	free := r.out.free()
	n, err := r.dec.Read(free)
	r.out.filled(n)
	if tooMuch := r.admit(int64(n)); tooMuch != nil {
		return tooMuch
	}
	switch {
	case err == nil:
		return nil
	case f.open.err != nil && f.open.err != io.EOF:
		return f.open.err
	case err != io.EOF:
		return r.undecodable(err)
	case f.open.err != io.EOF:
		return r.bad(dataFrame, "TR-24", "decoder stopped before the end of the frame", frame.ErrCorrupt)
	}
	f.open = nil
	r.meter.frames.Add(1)
	return r.passed()
}
