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
	m, info, size, err := s.header()
	if err != nil {
		return err
	}
	if err := s.start(info, m, info.Chunk); err != nil {
		return err
	}
	return m.begin(s, size)
}

// header gives what the header at hand says, and its size, without using it up.
func (s *scanner) header() (*sealed, Info, int, error) {
	whole, err := s.ownFrame("header", zst.CheckHeaderSize)
	if err != nil {
		return nil, Info{}, 0, err
	}
	h, err := zst.ParseHeader(whole[zst.SkippableHeaderSize:])
	if err != nil {
		return nil, Info{}, 0, s.at(err, 0)
	}
	if int64(h.Chunk) > int64(s.cfg.maxChunk) {
		return nil, Info{}, 0, s.tooLarge("header", "chunk too large", s.cfg.maxChunk, h.Chunk)
	}
	info := Info{Kind: Sealed, Chunk: int(h.Chunk), Payload: h.Payload, Wire: h.Wire, Live: h.Live}
	return &sealed{chunk: h.Chunk, wire: h.Wire}, info, len(whole), nil
}

// begin uses up the header at hand, which has size bytes, and the lock.
func (m *sealed) begin(s *scanner, size int) error {
	if err := m.pass(s, size, zst.EmptyEntry(size)); err != nil || m.wire == zst.WireZstd {
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
	if err := judgeMagic(s.place(), magic, m.final); err != nil {
		return err
	}
	switch magic {
	case zst.MagicSeekTable:
		return m.seekTable(s)
	case zst.MagicFrame:
		return m.data(s)
	}
	mark, err := m.mark(s)
	if err != nil {
		return err
	}
	if mark == zst.MarkFast {
		return m.fast(s)
	}
	return m.seal(s)
}

// mark gives the mark of the frame at hand, which has ctxpipe's own magic.
func (m *sealed) mark(s *scanner) (zst.Mark, error) {
	const marked = zst.SkippableHeaderSize + 8
	b, err := s.need(marked, "next frame")
	if err != nil {
		return 0, err
	}
	return judgeMark(s.place(), b[zst.SkippableHeaderSize:marked], m.wire)
}

// data sends a data frame.
func (m *sealed) data(s *scanner) error {
	var w zst.Walker
	size, err := m.dataSize(s, &w)
	if err == nil {
		err = s.admit(dataFrame, uint64(size))
	}
	if err != nil {
		return err
	}
	whole, err := s.wholeFrame(&w, zst.MaxFrameSize(size))
	if err == nil {
		err = judgeBlocks(s.place(), &w)
	}
	if err != nil {
		return err
	}
	p, err := s.takeFrame(partZstd, len(whole), size)
	if err != nil {
		return err
	}
	return m.send(s, p, zst.DataEntry(p.frame, size))
}

// dataSize walks over the header of the data frame at hand and gives the size of
// its content.
func (m *sealed) dataSize(s *scanner, w *zst.Walker) (int, error) {
	h, err := s.frameHeader(w)
	if err == nil {
		err = s.at(zst.CheckData(h, m.chunk), 0)
	}
	return int(h.ContentSize), err
}

// send sends a frame that was used up.
func (m *sealed) send(s *scanner, p *part, e zst.Entry) error {
	p.sealed = true
	s.intake.send(p) // p is no longer ours
	return m.passed(s, e)
}

// fast sends a fast frame.
func (m *sealed) fast(s *scanner) error {
	whole, says, err := m.fastSize(s)
	if err == nil {
		err = s.admit(fastFrame, uint64(says.Content))
	}
	if err != nil {
		return err
	}
	b, err := s.need(whole, fastFrame)
	if err != nil {
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

// fastSize gives the size of the fast frame at hand, and what its beginning
// says.
func (m *sealed) fastSize(s *scanner) (int, zst.Fast, error) {
	b, err := s.need(zst.SkippableHeaderSize+zst.FastBlockOffset, fastFrame)
	if err != nil {
		return 0, zst.Fast{}, err
	}
	size, payload := binary.LittleEndian.Uint32(b[4:]), b[zst.SkippableHeaderSize:]
	if err := zst.CheckFast(size, payload, m.chunk); err != nil {
		return 0, zst.Fast{}, s.at(err, 0)
	}
	return zst.SkippableHeaderSize + int(size), zst.PeekFast(payload), nil
}

// sealAt gives the seal at hand and its size, without using it up.
func (s *scanner) sealAt() (zst.Seal, int, error) {
	whole, err := s.ownFrame("seal", zst.CheckSealSize)
	if err != nil {
		return zst.Seal{}, 0, err
	}
	seal, err := zst.ParseSeal(whole[zst.SkippableHeaderSize:])
	seal.Optional = nil // it is in a buffer that goes on
	return seal, len(whole), s.at(err, 0)
}

// seal sends a seal.
func (m *sealed) seal(s *scanner) error {
	seal, size, err := s.sealAt()
	if err != nil {
		return err
	}
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
	b, err := s.need(zst.SkippableHeaderSize, seekTable)
	if err != nil {
		return err
	}
	want := zst.SeekTableSize(int64(s.index))
	if size := binary.LittleEndian.Uint32(b[4:]); int64(size) != want {
		return s.bad(seekTable, "TR-41", "wrong size", frame.ErrCorrupt)
	}
	s.in.discard(zst.SkippableHeaderSize)
	var found zst.TableFold
	if err := s.skip(want-zst.FooterSize, seekTable, func(b []byte) { _, _ = found.Write(b) }); err != nil {
		return err
	}
	if found.Digest() != m.table.Digest() {
		return s.bad(seekTable, "TR-42", "entries differ from the frames", frame.ErrCorrupt)
	}
	if b, err = s.need(zst.FooterSize, seekTable); err != nil {
		return err
	}
	n, err := zst.ParseFooter(b[:zst.FooterSize])
	if err != nil {
		return s.at(err, 0)
	}
	if int64(n) != int64(s.index) {
		return s.bad(seekTable, "TR-40", "number of entries differs", frame.ErrCorrupt)
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
