package pipe

import (
	"encoding/binary"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

// opening is what is known about a sealed stream while its seek table is being
// read.
type opening struct {
	*ReaderAt
	begin []zst.Entry // of header and lock
	body  int64       // where the frame behind them begins
	table place       // of the seek table; its index is the number of entries
}

// open verifies header, footer, seek table and final seal, in the order in which
// each can be believed.
func (r *ReaderAt) open() error {
	o := opening{ReaderAt: r}
	for _, step := range []func() error{o.header, o.footer, o.fit, o.entries, o.seal} {
		if r.ctx.Err() != nil {
			return r.stopped()
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// header reads the header, and the lock if there has to be one.
func (o *opening) header() error {
	in := io.NewSectionReader(o.src.r, 0, o.src.size)
	s := scanner{cfg: &o.cfg, meter: &o.meter}
	s.in = newInput(&source{r: in}, s.meter, bufpool.New(jumpSize, inputSize))
	defer s.in.release()
	kind, _, err := s.recognise()
	if kind == Foreign || kind == Raw {
		return &frame.Error{
			Layer: zst.Layer, Index: frame.NoIndex, Rule: "TR-98", Err: frame.ErrUnsupported,
			What: "no seek table of ctxpipe: restore it whole",
		}
	}
	if err != nil {
		return err
	}
	m, info, size, err := s.header()
	if err == nil {
		err = m.begin(&s, size)
	}
	if err != nil {
		return err
	}
	o.info, o.body = info, s.in.off
	o.begin = []zst.Entry{zst.EmptyEntry(size), zst.EmptyEntry(zst.LockSize)}[:s.index]
	return nil
}

// footer finds the seek table by the last bytes of the stream.
func (o *opening) footer() error {
	at := place{o.src.size - zst.FooterSize, frame.NoIndex}
	footer, err := make([]byte, zst.FooterSize), error(nil)
	n := uint32(0)
	if at.off >= o.body {
		if err = o.src.read(footer, at); err != nil {
			return err
		}
		n, err = zst.ParseFooter(footer)
	}
	if at.off < o.body || err != nil {
		return at.bad(seekTable, "TR-62", "not at the end of the input, which is cut or damaged", io.ErrUnexpectedEOF)
	}
	if int64(n) > o.cfg.maxFrames {
		return at.tooLarge(seekTable, "too many frames", o.cfg.maxFrames, n)
	}
	size := zst.SeekTableSize(int64(n))
	o.table = place{o.src.size - size - zst.SkippableHeaderSize, int(n)}
	if o.table.off < o.body || int(n) <= len(o.begin) {
		return at.bad(seekTable, "TR-98", "impossible number of entries", frame.ErrCorrupt)
	}
	b := make([]byte, zst.SkippableHeaderSize)
	if err := o.src.read(b, o.table); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(b) != zst.MagicSeekTable || int64(binary.LittleEndian.Uint32(b[4:])) != size {
		return o.table.bad(seekTable, "TR-98", "does not begin where its footer says", frame.ErrCorrupt)
	}
	return nil
}

// laneSize is the memory for one lane: a frame and its content, and what the codec keeps, which
// holds on to the last frame that it has seen. What was decoded last takes no more.
func laneSize(chunk int) int64 {
	return int64(2*zst.MaxFrameSize(chunk)+chunk+slack) + decoderSize
}

// fit makes as many lanes as there are workers, or as the memory has room for
// beside the index.
func (o *opening) fit() error {
	cfg := o.cfg
	if cfg.memory > 0 {
		cfg.memory -= int64(o.table.index) * bytesPerEntry
		if cfg.memory <= 0 {
			return o.table.tooLarge(seekTable, "needs too much memory", o.cfg.memory, o.cfg.memory-cfg.memory)
		}
	}
	n, err := cfg.afford(cfg.workers, func(n int) int64 { return laneSize(o.info.Chunk) * int64(n+1) })
	if err != nil {
		return err
	}
	o.lanes = make(chan *part, n)
	for range cap(o.lanes) {
		o.lanes <- new(part)
	}
	return nil
}

// entries reads the seek table and judges each entry.
func (o *opening) entries() error {
	x, most := &o.index, o.table.index
	piece := make([]byte, min(most, 4096)*zst.EntrySize)
	at := place{o.table.off + zst.SkippableHeaderSize, 0}
	for at.index < most {
		b := piece[:min(len(piece), (most-at.index)*zst.EntrySize)]
		if err := o.src.read(b, at); err != nil {
			return err
		}
		for ; len(b) > 0; b = b[zst.EntrySize:] {
			e := zst.ParseEntry(b)
			if err := o.judgeEntry(at, e); err != nil {
				return err
			}
			x.room(most)
			x.add(e)
			at.off += zst.EntrySize
			at.index++
		}
	}
	if x.wire != o.table.off {
		return o.table.bad(seekTable, "TR-98", "entries do not add up to the place of the table", frame.ErrCorrupt)
	}
	return nil
}

// judgeEntry says whether an entry may stand at its place in the table.
func (o *opening) judgeEntry(at place, e zst.Entry) error {
	bad := func(what string) error { return at.bad(seekTable, "TR-98", what, frame.ErrCorrupt) }
	size := int64(e.Compressed)
	switch {
	case o.index.wire+size > o.table.off:
		return bad("entry reaches into the table")
	case at.index < len(o.begin):
		if e != o.begin[at.index] {
			return bad("entry differs from the header or the lock")
		}
	case e.Content > 0:
		if int64(e.Content) > int64(o.info.Chunk) {
			return bad("entry has more content than a chunk")
		}
		if size < minDataFrame || size > int64(zst.MaxFrameSize(int(e.Content))) {
			return bad("entry of a size that its content cannot have")
		}
	case size < zst.SkippableHeaderSize || zst.CheckSealSize(e.Compressed-zst.SkippableHeaderSize) != nil || e != zst.EmptyEntry(int(size)):
		return bad("entry is none of a seal")
	}
	return nil
}

// seal reads the final seal, which has to stand directly before the table, and
// compares it with the entries.
func (o *opening) seal() error {
	x := &o.index
	last := x.entries[len(x.entries)-1]
	at := place{x.wire - int64(last.Compressed), len(x.entries) - 1}
	if last.Content > 0 {
		return at.bad("seal", "TR-98", "data frame before the seek table", frame.ErrCorrupt)
	}
	b := make([]byte, last.Compressed)
	if err := o.src.read(b, at); err != nil {
		return err
	}
	payload := b[zst.SkippableHeaderSize:]
	if magic, size, err := zst.ParseSkippableHeader(b); err != nil || magic != zst.MagicOwn || int64(size) != int64(len(payload)) {
		return at.bad("seal", "TR-98", "not where the seek table says", frame.ErrCorrupt)
	}
	seal, err := zst.ParseSeal(payload)
	if err != nil {
		return at.add(err)
	}
	if !seal.Final {
		return at.bad("seal", "TR-98", "not final before the seek table", frame.ErrCorrupt)
	}
	// The digest cannot be compared: that takes all frames.
	want := zst.Seal{Bytes: uint64(x.content), Frames: uint64(x.frames), Digest: seal.Digest}
	if err := at.add(seal.Verify(want)); err != nil {
		return err
	}
	if x.content > o.cfg.maxOutput {
		return at.tooLarge("seal", "too much output", o.cfg.maxOutput, x.content)
	}
	return nil
}
