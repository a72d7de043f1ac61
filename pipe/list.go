package pipe

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

// A Listing says what the frames of an input show without being decoded. After
// an error it says so about what was passed until then.
type Listing struct {
	Kind    Kind        `json:"kind"`
	Wire    zst.Wire    `json:"wire"`    // of a sealed stream
	Payload zst.Payload `json:"payload"` // of a sealed stream or raw input, else empty
	Chunk   int         `json:"chunk"`   // of a sealed stream, in bytes, else 0

	Compressed int64 `json:"compressed"` // bytes of the input
	Content    int64 `json:"content"`    // bytes of the payload, as far as frames tell
	// ContentKnown says that all frames tell. Those of foreign streams need not.
	ContentKnown bool `json:"content_known"`

	// Frames counts the frames with content, and Skippable the skippable ones
	// without: in a sealed stream the header, the seals and the seek table.
	Frames    int64 `json:"frames"`
	Skippable int64 `json:"skippable"`
	// Elided counts the frames without any compressed block, Fast the fast frames
	// and Zstd all others.
	Elided int64 `json:"elided"`
	Fast   int64 `json:"fast"`
	Zstd   int64 `json:"zstd"`
	// Levels counts the frames by the level that made them, [LevelElide] first, as
	// the final seal does; nil if it does not. A newer writer may have more levels
	// than this package.
	Levels []int64 `json:"levels,omitempty"`
	// Window is the largest window that a frame names, in bytes; for a frame in a
	// single segment that is its content.
	Window int64 `json:"window"`

	// Sealed says that a sealed stream is complete, as far as frames show: the
	// final seal is there and its check is right, it and the seek table agree with
	// the frames, and nothing follows.
	Sealed bool `json:"sealed"`
}

// Ratio gives the payload's size over the input's; 0 if it is not known.
func (l Listing) Ratio() float64 {
	if l.Compressed == 0 || !l.ContentKnown {
		return 0
	}
	return float64(l.Content) / float64(l.Compressed)
}

// List walks any input frame by frame to its end and says what it finds. It
// decodes nothing, so it verifies neither content nor digest: a [Restorer] does.
// Where r can seek, and is no file other than a regular one, most of the data
// frames is not even read. List begins where r stands.
//
// What is wrong with the order of frames, their sizes and their headers List
// reports in the same words as a Restorer, with what it has listed by then. It
// keeps to the same limits but those on memory and windows, and lists foreign
// frames that need a dictionary. It fails with [frame.ErrMisuse] if an option is
// out of range.
func List(r io.Reader, opts ...RestoreOption) (Listing, error) {
	cfg, err := restoreConfigOf(opts)
	if err != nil {
		return Listing{}, err
	}
	l, err := newLister(r, &cfg)
	if err != nil {
		return Listing{}, err
	}
	defer l.s.in.release()
	err = l.begin()
	for err == nil {
		err = l.step()
	}
	l.out.Compressed = l.s.in.off
	if l.out.Kind == Raw {
		l.out.Content = l.out.Compressed
	}
	if err == io.EOF {
		err = nil
	}
	return l.out, err
}

// lister lists one input. It uses a scanner that sends nothing to anybody.
type lister struct {
	s    scanner
	jump jumper
	step func() error // reads one frame; io.EOF at a good end

	sealed  *sealed
	foreign foreign
	out     Listing
}

func newLister(r io.Reader, cfg *restoreConfig) (*lister, error) {
	jump, err := newJumper(r)
	if err != nil {
		return nil, err
	}
	size := inputSize
	if jump.to != nil {
		size = jumpSize
	}
	l := &lister{jump: jump, s: scanner{cfg: cfg, meter: new(meter)}}
	l.s.in = newInput(&source{r: r}, l.s.meter, bufpool.New(size, inputSize))
	return l, nil
}

// begin finds out what the input is.
func (l *lister) begin() error {
	kind, payload, err := l.s.recognise()
	l.out.Kind, l.s.kind, l.out.Payload = kind, kind, payload
	if err != nil {
		return err
	}
	l.out.ContentKnown = true
	switch kind {
	case Sealed:
		return l.header()
	case Foreign:
		l.step = l.foreignFrame
	default:
		l.step = l.raw
	}
	return nil
}

// header reads the header of a sealed stream, and the lock.
func (l *lister) header() error {
	m, info, size, err := l.s.header()
	if err != nil {
		return err
	}
	l.out.Wire, l.out.Payload, l.out.Chunk = info.Wire, info.Payload, info.Chunk
	l.out.Skippable++
	l.sealed, l.step = m, l.sealedFrame
	return m.begin(&l.s, size)
}

func (l *lister) sealedFrame() error {
	b, err := l.s.need(4, "next frame")
	if err != nil {
		return err
	}
	magic := binary.LittleEndian.Uint32(b)
	if err := judgeMagic(l.s.place(), magic, l.sealed.final); err != nil {
		return err
	}
	switch magic {
	case zst.MagicSeekTable:
		return l.seekTable()
	case zst.MagicFrame:
		return l.data()
	}
	mark, err := l.sealed.mark(&l.s)
	if err != nil {
		return err
	}
	if mark == zst.MarkFast {
		return l.fast()
	}
	return l.seal()
}

func (l *lister) data() error {
	var w zst.Walker
	size, err := l.sealed.dataSize(&l.s, &w)
	if err != nil {
		return err
	}
	sum, err := l.blocks(&w, judgeBlocks)
	if err != nil {
		return err
	}
	l.count(&w)
	return l.passed(zst.Entry{Compressed: uint32(w.Pos()), Content: uint32(size), Checksum: sum})
}

// count counts an ordinary frame by its blocks.
func (l *lister) count(w *zst.Walker) {
	if w.Compressed() {
		l.out.Zstd++
	} else {
		l.out.Elided++
	}
	l.out.Window = max(l.out.Window, int64(w.Header().Window))
}

// fast passes a fast frame by what its beginning says.
func (l *lister) fast() error {
	size, f, err := l.sealed.fastSize(&l.s)
	if err == nil {
		err = l.pass(int64(size), fastFrame)
	}
	if err != nil {
		return err
	}
	l.out.Fast++
	e := zst.FastEntry(nil, f)
	e.Compressed = uint32(size)
	return l.passed(e)
}

// passed counts a data frame of a sealed stream that was used up.
func (l *lister) passed(e zst.Entry) error {
	if err := l.content(uint64(e.Content)); err != nil {
		return err
	}
	return l.sealed.passed(&l.s, e)
}

// content counts a frame with so much content, and refuses too much.
func (l *lister) content(n uint64) error {
	l.out.Frames++
	if limit := l.s.cfg.maxOutput; n > uint64(limit) || l.out.Content+int64(n) > limit {
		return l.s.tooLarge(dataFrame, "too much output", limit, "more")
	}
	l.out.Content += int64(n)
	return nil
}

// seal compares a seal with the frames before it, as far as their number and
// sizes go.
func (l *lister) seal() error {
	seal, size, err := l.s.sealAt()
	if err != nil {
		return err
	}
	want := zst.Seal{Bytes: uint64(l.out.Content), Frames: uint64(l.out.Frames), Digest: seal.Digest}
	if err := l.s.at(seal.Verify(want), 0); err != nil {
		return err
	}
	l.out.Skippable++
	if l.sealed.final = seal.Final; seal.Final {
		for _, n := range seal.Levels {
			l.out.Levels = append(l.out.Levels, int64(n))
		}
	}
	return l.sealed.pass(&l.s, size, zst.EmptyEntry(size))
}

func (l *lister) seekTable() error {
	err := l.sealed.seekTable(&l.s)
	if err == io.EOF {
		l.out.Skippable++
		l.out.Sealed = true
	}
	return err
}

func (l *lister) foreignFrame() error {
	magic, err := l.foreign.next(&l.s)
	if err != nil {
		return err
	}
	if magic == zst.MagicFrame {
		err = l.ordinary()
	} else {
		err = l.skippable()
	}
	if err != nil {
		return err
	}
	return l.s.passed()
}

func (l *lister) skippable() error {
	size, err := l.s.skippableSize()
	if err == nil {
		err = l.pass(size, skippableFrame)
	}
	if err == nil {
		l.out.Skippable++
	}
	return err
}

func (l *lister) ordinary() error {
	var w zst.Walker
	at := l.s.place()
	if _, err := l.blocks(&w, func(place, *zst.Walker) error { return nil }); err != nil {
		return err
	}
	h := w.Header()
	if h.HasContentSize && h.ContentSize > uint64(w.MaxContent()) {
		return at.tooFewBlocks()
	}
	l.count(&w)
	l.out.ContentKnown = l.out.ContentKnown && h.HasContentSize
	return l.content(h.ContentSize)
}

// blocks walks over the ordinary frame at hand and uses it up. judge is asked
// after each step. It gives the frame's checksum, 0 if it has none.
func (l *lister) blocks(w *zst.Walker, judge func(place, *zst.Walker) error) (sum uint32, err error) {
	at := l.s.place()
	for w.Need() > 0 {
		if err := l.pass(at.off+w.Pos()-l.s.in.off, dataFrame); err != nil {
			return 0, err
		}
		b, err := l.s.need(w.Need(), dataFrame)
		if err == nil {
			err = l.s.at(w.Step(b), 0)
		}
		if err == nil && w.InBlocks() {
			err = judge(at, w)
		}
		if err != nil {
			return 0, err
		}
	}
	end := at.off + w.Pos()
	if w.Header().Checksum {
		if err := l.pass(end-zst.ChecksumSize-l.s.in.off, dataFrame); err != nil {
			return 0, err
		}
		b, err := l.s.need(zst.ChecksumSize, dataFrame)
		if err != nil {
			return 0, err
		}
		sum = binary.LittleEndian.Uint32(b)
	}
	return sum, l.pass(end-l.s.in.off, dataFrame)
}

// raw passes what there is of raw input.
func (l *lister) raw() error {
	if err := l.pass(max(0, l.jump.end-l.s.in.off), "input"); err != nil {
		return err
	}
	b, err := l.s.in.peek(1)
	l.s.in.discard(len(b))
	if len(b) > 0 {
		return nil
	}
	return err
}

// pass uses up n bytes, without reading them if it can.
func (l *lister) pass(n int64, record string) error {
	if ctx := l.s.cfg.ctx; ctx.Err() != nil {
		return errors.Wrap(context.Cause(ctx), "stopped")
	}
	jumped, err := l.jump.over(&l.s.in, n)
	if err != nil {
		return err
	}
	return l.s.skip(n-jumped, record, func([]byte) {})
}
