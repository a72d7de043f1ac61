package pipe

import (
	"encoding/binary"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// sealed scans a stream of ctxpipe. Its states, each with what may stand there:
//
//	header -> [lock] -> body: data frame, fast frame, seal -> final seal -> seek table -> end of input
//
// Header and lock are read before a sealed exists, and the seek table together
// with the end of input in one step. Whether seals are true is for the caller to
// say, who has the contents.
type sealed struct {
	chunk uint32
	wire  zst.Wire
	table zst.TableFold
	final bool // the final seal was seen
}

// beginSealed reads the header, and the lock if there has to be one.
func (s *scanner) beginSealed() error {
	whole, err := s.ownFrame("header", zst.CheckHeaderSize)
	if err != nil {
		return err
	}
	h, err := zst.ParseHeader(whole[zst.SkippableHeaderSize:])
	if err != nil {
		return s.at(err, 0)
	}
	if int64(h.Chunk) > int64(s.cfg.maxChunk) {
		return s.tooLarge("header", "chunk too large", s.cfg.maxChunk, h.Chunk)
	}
	m := &sealed{chunk: h.Chunk, wire: h.Wire}
	size := len(whole)
	info := Info{Kind: Sealed, Chunk: int(h.Chunk), Payload: h.Payload, Wire: h.Wire}
	if err := s.start(info, m, int(h.Chunk)); err != nil {
		return err
	}
	if err := m.pass(s, size, zst.EmptyEntry(size)); err != nil || h.Wire == zst.WireZstd {
		return err
	}
	b, err := s.need(zst.LockSize, "lock")
	if err != nil {
		return err
	}
	if err := zst.CheckLock(b); err != nil {
		return s.at(err, 0)
	}
	return m.pass(s, zst.LockSize, zst.EmptyEntry(zst.LockSize))
}

// ownFrame gives the whole of the header or seal at hand, whose size check has
// accepted, without using it up.
func (s *scanner) ownFrame(record string, check func(size uint32) error) ([]byte, error) {
	b, err := s.need(zst.SkippableHeaderSize, record)
	if err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(b[4:])
	if err := check(size); err != nil {
		return nil, s.at(err, 0)
	}
	whole := zst.SkippableHeaderSize + int(size)
	if b, err = s.need(whole, record); err != nil {
		return nil, err
	}
	return b[:whole], nil
}

// pass uses up a frame and takes it into the table.
func (m *sealed) pass(s *scanner, size int, e zst.Entry) error {
	s.in.discard(size)
	return m.passed(s, e)
}

// passed takes a frame that was used up into the table.
func (m *sealed) passed(s *scanner, e zst.Entry) error {
	m.table.Add(e)
	return s.passed()
}

// step reads one frame.
func (m *sealed) step(s *scanner) error {
	b, err := s.need(4, "next frame")
	if err != nil {
		return err
	}
	magic := binary.LittleEndian.Uint32(b)
	switch {
	case magic == zst.MagicSeekTable && m.final:
		return m.seekTable(s)
	case magic == zst.MagicSeekTable:
		return s.bad("seek table", "TR-60", "stands before the final seal", frame.ErrCorrupt)
	case m.final:
		return s.bad("", "TR-33", "something other than the seek table follows the final seal", frame.ErrCorrupt)
	case magic == zst.MagicFrame:
		return m.data(s)
	case magic == zst.MagicOwn:
		return m.own(s)
	case zst.IsSkippable(magic):
		return s.bad("skippable frame", "TR-60", "not allowed in a sealed stream", frame.ErrCorrupt)
	}
	return s.bad("", "TR-60", "no frame begins here", frame.ErrCorrupt)
}

// data sends a data frame.
func (m *sealed) data(s *scanner) error {
	var w zst.Walker
	h, err := s.frameHeader(&w)
	if err == nil {
		err = s.at(zst.CheckData(h, m.chunk), 0)
	}
	if err != nil {
		return err
	}
	size := int(h.ContentSize)
	whole, ok, err := s.wholeFrame(&w, zst.MaxFrameSize(size))
	if err != nil {
		return err
	}
	if !ok {
		return s.bad(dataFrame, "TR-23", "frame too large for its content", frame.ErrCorrupt)
	}
	if int64(size) > w.MaxContent() {
		return s.bad(dataFrame, "TR-24", "blocks too few for the content size", frame.ErrCorrupt)
	}
	p, err := s.takeFrame(partZstd, len(whole), size)
	if err != nil {
		return err
	}
	return m.send(s, p, zst.DataEntry(p.frame, size))
}

// send sends a frame that was used up.
func (m *sealed) send(s *scanner, p *part, e zst.Entry) error {
	p.sealed = true
	s.intake.send(p) // p is no longer ours
	return m.passed(s, e)
}

// own reads a frame with ctxpipe's own magic.
func (m *sealed) own(s *scanner) error {
	const marked = zst.SkippableHeaderSize + 8
	b, err := s.need(marked, "next frame")
	if err != nil {
		return err
	}
	switch zst.MarkOf(b[zst.SkippableHeaderSize:marked]) {
	case zst.MarkSeal:
		return m.seal(s)
	case zst.MarkFast:
		return m.fast(s)
	case zst.MarkHeader:
		return s.bad("header", "TR-60", "second header", frame.ErrCorrupt)
	}
	return s.bad("", "TR-5", "unknown mark", frame.ErrCorrupt)
}

// fast sends a fast frame.
func (m *sealed) fast(s *scanner) error {
	if m.wire != zst.WireCtxpipe {
		return s.bad(fastFrame, "TR-26", "not allowed on the wire zstd", frame.ErrCorrupt)
	}
	b, err := s.need(zst.SkippableHeaderSize+zst.FastBlockOffset, fastFrame)
	if err != nil {
		return err
	}
	size := binary.LittleEndian.Uint32(b[4:])
	if err := zst.CheckFast(size, b[zst.SkippableHeaderSize:], m.chunk); err != nil {
		return s.at(err, 0)
	}
	whole := zst.SkippableHeaderSize + int(size)
	if b, err = s.need(whole, fastFrame); err != nil {
		return err
	}
	f, err := zst.ParseFast(b[zst.SkippableHeaderSize:whole])
	if err != nil {
		return s.at(err, 0)
	}
	p, err := s.takeFrame(partFast, whole, int(f.Content))
	if err != nil {
		return err
	}
	const at = zst.SkippableHeaderSize + zst.FastBlockOffset
	f.Block = p.frame[at : at+len(f.Block)]
	p.fast = f
	return m.send(s, p, zst.FastEntry(p.frame, f))
}

// seal sends a seal.
func (m *sealed) seal(s *scanner) error {
	whole, err := s.ownFrame("seal", zst.CheckSealSize)
	if err != nil {
		return err
	}
	seal, err := zst.ParseSeal(whole[zst.SkippableHeaderSize:])
	if err != nil {
		return s.at(err, 0)
	}
	seal.Optional = nil // it is in a buffer that goes on
	size := len(whole)
	p, err := s.take(partSeal)
	if err != nil {
		return err
	}
	p.seal = seal
	s.intake.send(p)
	m.final = seal.Final
	return m.pass(s, size, zst.EmptyEntry(size))
}

// seekTable compares the seek table with the frames that came before, and looks
// for the end of input.
func (m *sealed) seekTable(s *scanner) error {
	b, err := s.need(zst.SkippableHeaderSize, "seek table")
	if err != nil {
		return err
	}
	want := zst.SeekTableSize(int64(s.index))
	if size := binary.LittleEndian.Uint32(b[4:]); int64(size) != want {
		return s.bad("seek table", "TR-41", "wrong size", frame.ErrCorrupt)
	}
	s.in.discard(zst.SkippableHeaderSize)
	var found zst.TableFold
	if err := s.skip(want-zst.FooterSize, "seek table", func(b []byte) { _, _ = found.Write(b) }); err != nil {
		return err
	}
	if found.Digest() != m.table.Digest() {
		return s.bad("seek table", "TR-42", "entries differ from the frames", frame.ErrCorrupt)
	}
	if b, err = s.need(zst.FooterSize, "seek table"); err != nil {
		return err
	}
	n, err := zst.ParseFooter(b[:zst.FooterSize])
	if err != nil {
		return s.at(err, 0)
	}
	if int64(n) != int64(s.index) {
		return s.bad("seek table", "TR-40", "number of entries differs", frame.ErrCorrupt)
	}
	s.in.discard(zst.FooterSize)
	return m.end(s)
}

// end demands the end of input.
func (m *sealed) end(s *scanner) error {
	b, err := s.in.peek(1)
	if len(b) > 0 {
		return s.bad("", "TR-61", "bytes behind the end of the stream", frame.ErrCorrupt)
	}
	return err // io.EOF, or the source's own
}
