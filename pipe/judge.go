package pipe

import (
	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// What may stand in the body of a sealed stream, for all that read one: the
// scanner, the listing, random access.

// judgeMagic says whether a frame with that magic may stand here. final says
// whether the final seal has passed.
func judgeMagic(at place, magic uint32, final bool) error {
	switch {
	case magic == zst.MagicSeekTable && final:
		return nil
	case magic == zst.MagicSeekTable:
		return at.bad(seekTable, "TR-60", "stands before the final seal", frame.ErrCorrupt)
	case final:
		return at.bad("", "TR-33", "something other than the seek table follows the final seal", frame.ErrCorrupt)
	case magic == zst.MagicFrame, magic == zst.MagicOwn:
		return nil
	case zst.IsSkippable(magic):
		return at.bad(skippableFrame, "TR-60", "not allowed in a sealed stream", frame.ErrCorrupt)
	}
	return at.bad("", "TR-60", "no frame begins here", frame.ErrCorrupt)
}

// judgeMark says whether a frame of ctxpipe's own may stand here, by its
// payload's mark. It gives MarkSeal or MarkFast.
func judgeMark(at place, payload []byte, wire zst.Wire) (zst.Mark, error) {
	switch mark := zst.MarkOf(payload); {
	case mark == zst.MarkSeal, mark == zst.MarkFast && wire == zst.WireCtxpipe:
		return mark, nil
	case mark == zst.MarkFast:
		return 0, at.bad(fastFrame, "TR-26", "not allowed on the wire zstd", frame.ErrCorrupt)
	case mark == zst.MarkHeader:
		return 0, at.bad("header", "TR-60", "second header", frame.ErrCorrupt)
	}
	return 0, at.bad("", "TR-5", "unknown mark", frame.ErrCorrupt)
}

// judgeBlocks says whether the blocks that w has passed may be those of a data
// frame whose header was accepted, and at the frame's end whether they can hold
// its content.
func judgeBlocks(at place, w *zst.Walker) error {
	switch size := int64(w.Header().ContentSize); {
	case w.Pos() > int64(zst.MaxFrameSize(int(size))):
		return at.bad(dataFrame, "TR-23", "frame too large for its content", frame.ErrCorrupt)
	case w.Need() == 0 && size > w.MaxContent():
		return at.tooFewBlocks()
	}
	return nil
}

// tooFewBlocks says that the frame here names more content than its blocks can
// hold.
func (p place) tooFewBlocks() error {
	return p.bad(dataFrame, "TR-24", "blocks too few for the content size", frame.ErrCorrupt)
}
