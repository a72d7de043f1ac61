package pipe

import (
	"encoding/binary"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// minDataFrame is the smallest that a frame with content can be: magic, a header
// of two bytes, a block of one byte with its header, a checksum.
const minDataFrame = 4 + 2 + 3 + 1 + zst.ChecksumSize

// judge says whether the frame of a part is one that may stand in the stream,
// and the one that its entry describes. It makes the part ready to be decoded.
func (r *ReaderAt) judge(p *part, e zst.Entry) error {
	magic := binary.LittleEndian.Uint32(p.frame)
	if err := judgeMagic(p.place, magic, false); err != nil {
		return err
	}
	p.size, p.exact = int(e.Content), true
	if magic == zst.MagicFrame {
		return r.judgeData(p, e)
	}
	mark, err := judgeMark(p.place, p.frame[zst.SkippableHeaderSize:], r.info.Wire)
	if err != nil {
		return err
	}
	if mark != zst.MarkFast {
		return p.place.notTheEntry("seal", "a seal stands where it names content")
	}
	return r.judgeFast(p, e)
}

// notTheEntry says that the frame here is not the one that the seek table
// describes.
func (p place) notTheEntry(record, what string) error {
	return p.bad(record, "TR-99", "seek table differs: "+what, frame.ErrCorrupt)
}

func (r *ReaderAt) judgeData(p *part, e zst.Entry) error {
	p.kind = partZstd
	var w zst.Walker
	for w.Need() > 0 {
		if w.Pos()+int64(w.Need()) > int64(len(p.frame)) {
			return p.place.notTheEntry(dataFrame, "the frame is longer")
		}
		if err := w.Step(p.frame[w.Pos():]); err != nil {
			at := p.place
			at.off += w.Pos()
			return at.add(err)
		}
	}
	if w.Pos() != int64(len(p.frame)) {
		return p.place.notTheEntry(dataFrame, "the frame is of another size")
	}
	if err := zst.CheckData(w.Header(), uint32(r.info.Chunk)); err != nil {
		return p.place.add(err)
	}
	if err := judgeBlocks(p.place, &w); err != nil {
		return err
	}
	if zst.DataEntry(p.frame, int(w.Header().ContentSize)) != e {
		return p.place.notTheEntry(dataFrame, "content or checksum")
	}
	return nil
}

func (r *ReaderAt) judgeFast(p *part, e zst.Entry) error {
	p.kind = partFast
	if len(p.frame) < zst.SkippableHeaderSize+zst.FastBlockOffset {
		return p.place.notTheEntry(fastFrame, "the frame is longer")
	}
	size, payload := binary.LittleEndian.Uint32(p.frame[4:]), p.frame[zst.SkippableHeaderSize:]
	if err := zst.CheckFast(size, payload, uint32(r.info.Chunk)); err != nil {
		return p.place.add(err)
	}
	if int64(size) != int64(len(payload)) {
		return p.place.notTheEntry(fastFrame, "the frame is of another size")
	}
	f, err := zst.ParseFast(payload)
	if err != nil {
		return p.place.add(err)
	}
	if zst.FastEntry(p.frame, f) != e {
		return p.place.notTheEntry(fastFrame, "content or checksum")
	}
	p.fast = f
	return nil
}
