package pipe

import (
	"encoding/binary"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// sealed reads a stream of ctxpipe. Its states, each with what may stand there:
//
//	header -> body: data frame, seal -> final seal -> seek table -> end of input
//
// The header is read before a sealed exists, and the seek table together with
// the end of input in one step.
type sealed struct {
	chunk uint32
	fold  zst.Fold
	table zst.TableFold
	final bool // the final seal was seen
}

// beginSealed reads the header.
func (r *Restorer) beginSealed() error {
	b, err := r.need(zst.SkippableHeaderSize, "header")
	if err != nil {
		return err
	}
	_, size, err := zst.ParseSkippableHeader(b)
	if err == nil {
		err = zst.CheckHeaderSize(size)
	}
	if err != nil {
		return r.place(err, 0)
	}
	whole := zst.SkippableHeaderSize + int(size)
	if b, err = r.need(whole, "header"); err != nil {
		return err
	}
	h, err := zst.ParseHeader(b[zst.SkippableHeaderSize:whole])
	if err != nil {
		return r.place(err, 0)
	}
	if int64(h.Chunk) > int64(r.cfg.maxChunk) {
		return r.tooLarge("header", "chunk too large", r.cfg.maxChunk, h.Chunk)
	}
	s := &sealed{chunk: h.Chunk}
	r.info.Payload = h.Payload
	r.start(Sealed, int(h.Chunk), s)
	return s.pass(r, whole, zst.EmptyEntry(whole))
}

// pass uses up a frame and takes it into the table.
func (s *sealed) pass(r *Restorer, size int, e zst.Entry) error {
	r.in.discard(size)
	s.table.Add(e)
	return r.passed()
}

// step reads one frame.
func (s *sealed) step(r *Restorer) error {
	b, err := r.need(4, "next frame")
	if err != nil {
		return err
	}
	magic := binary.LittleEndian.Uint32(b)
	switch {
	case magic == zst.MagicSeekTable && s.final:
		return s.seekTable(r)
	case magic == zst.MagicSeekTable:
		return r.bad("seek table", "TR-60", "stands before the final seal", frame.ErrCorrupt)
	case s.final:
		return r.bad("", "TR-33", "something other than the seek table follows the final seal", frame.ErrCorrupt)
	case magic == zst.MagicFrame:
		return s.data(r)
	case magic == zst.MagicOwn:
		return s.seal(r)
	case zst.IsSkippable(magic):
		return r.bad("skippable frame", "TR-60", "not allowed in a sealed stream", frame.ErrCorrupt)
	}
	return r.bad("", "TR-60", "no frame begins here", frame.ErrCorrupt)
}

// data reads a data frame.
func (s *sealed) data(r *Restorer) error {
	var w zst.Walker
	h, err := r.frameHeader(&w)
	if err == nil {
		err = r.place(zst.CheckData(h, s.chunk), 0)
	}
	if err != nil {
		return err
	}
	whole, ok, err := r.wholeFrame(&w, zst.MaxFrameSize(int(h.ContentSize)))
	if err != nil {
		return err
	}
	if !ok {
		return r.bad(dataFrame, "TR-23", "frame too large for its content", frame.ErrCorrupt)
	}
	content, err := r.decodeWhole(whole, &w)
	if err != nil {
		return err
	}
	s.fold.Add(zst.ItemOf(whole, content))
	return s.pass(r, len(whole), zst.DataEntry(whole, len(content)))
}

// seal reads a seal and compares it with what came before.
func (s *sealed) seal(r *Restorer) error {
	const marked = zst.SkippableHeaderSize + 8
	b, err := r.need(marked, "seal")
	if err != nil {
		return err
	}
	switch zst.MarkOf(b[zst.SkippableHeaderSize:marked]) {
	case zst.MarkHeader:
		return r.bad("header", "TR-60", "second header", frame.ErrCorrupt)
	case zst.MarkUnknown:
		return r.bad("", "TR-5", "unknown mark", frame.ErrCorrupt)
	}
	size := binary.LittleEndian.Uint32(b[4:])
	if err := zst.CheckSealSize(size); err != nil {
		return r.place(err, 0)
	}
	whole := zst.SkippableHeaderSize + int(size)
	if b, err = r.need(whole, "seal"); err != nil {
		return err
	}
	seal, err := zst.ParseSeal(b[zst.SkippableHeaderSize:whole])
	if err == nil {
		err = seal.Verify(s.fold.Seal(seal.Final))
	}
	if err != nil {
		return r.place(err, 0)
	}
	s.final = seal.Final
	return s.pass(r, whole, zst.EmptyEntry(whole))
}

// seekTable compares the seek table with the frames that came before, and looks
// for the end of input.
func (s *sealed) seekTable(r *Restorer) error {
	b, err := r.need(zst.SkippableHeaderSize, "seek table")
	if err != nil {
		return err
	}
	want := zst.SeekTableSize(int64(r.index))
	if size := binary.LittleEndian.Uint32(b[4:]); int64(size) != want {
		return r.bad("seek table", "TR-41", "wrong size", frame.ErrCorrupt)
	}
	r.in.discard(zst.SkippableHeaderSize)
	var found zst.TableFold
	for left := want - zst.FooterSize; left > 0; {
		if b, err = r.need(1, "seek table"); err != nil {
			return err
		}
		n := min(int64(len(b)), left)
		_, _ = found.Write(b[:n])
		r.in.discard(int(n))
		left -= n
	}
	if found.Digest() != s.table.Digest() {
		return r.bad("seek table", "TR-42", "entries differ from the frames", frame.ErrCorrupt)
	}
	if b, err = r.need(zst.FooterSize, "seek table"); err != nil {
		return err
	}
	n, err := zst.ParseFooter(b[:zst.FooterSize])
	if err != nil {
		return r.place(err, 0)
	}
	if int64(n) != int64(r.index) {
		return r.bad("seek table", "TR-40", "number of entries differs", frame.ErrCorrupt)
	}
	r.in.discard(zst.FooterSize)
	return s.end(r)
}

// end demands the end of input.
func (s *sealed) end(r *Restorer) error {
	b, err := r.in.peek(1)
	if len(b) > 0 {
		return r.bad("", "TR-61", "bytes behind the end of the stream", frame.ErrCorrupt)
	}
	return err // io.EOF, or the source's own
}
