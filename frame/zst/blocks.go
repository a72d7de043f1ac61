package zst

import (
	"encoding/binary"
)

// Sizes inside an ordinary frame, RFC 8878 §3.1.1.
const (
	ChecksumSize = 4
	// MaxBlock is the largest content of a block.
	MaxBlock = 128 << 10

	descriptorEnd   = 5 // magic and frame header descriptor
	blockHeaderSize = 3
)

// FrameHeader is what the header of an ordinary frame says.
type FrameHeader struct {
	Size           int // of the header, magic included
	ContentSize    uint64
	HasContentSize bool
	Window         uint64 // bytes a decoder has to keep; the content size in a single segment
	SingleSegment  bool
	Checksum       bool
	Dictionary     bool // a dictionary id other than 0 is named
	UnusedBit      bool // the descriptor's unused bit is set
}

// descriptor is the byte behind the magic; it tells how long the header is.
type descriptor byte

func (d descriptor) singleSegment() bool { return d&(1<<5) != 0 }
func (d descriptor) unused() bool        { return d&(1<<4) != 0 }
func (d descriptor) reserved() bool      { return d&(1<<3) != 0 }
func (d descriptor) checksum() bool      { return d&(1<<2) != 0 }

func (d descriptor) windowSize() int {
	if d.singleSegment() {
		return 0
	}
	return 1
}

func (d descriptor) dictionarySize() int { return [4]int{0, 1, 2, 4}[d&3] }

func (d descriptor) contentSize() int {
	if d>>6 == 0 {
		return 1 - d.windowSize()
	}
	return 1 << (d >> 6)
}

func (d descriptor) headerSize() int {
	return descriptorEnd + d.windowSize() + d.dictionarySize() + d.contentSize()
}

// ParseFrameHeader takes the header of the ordinary frame apart that begins at
// b. It fails with io.ErrUnexpectedEOF if b does not hold all of it, and with
// [frame.ErrCorrupt] if it is none.
func ParseFrameHeader(b []byte) (FrameHeader, error) {
	if len(b) < descriptorEnd {
		return FrameHeader{}, short("data frame", len(b))
	}
	if binary.LittleEndian.Uint32(b) != MagicFrame {
		return FrameHeader{}, corrupt("data frame", "TR-60", 0, "no ordinary frame begins here")
	}
	d := descriptor(b[4])
	if d.reserved() {
		return FrameHeader{}, corrupt("data frame", "TR-22", 4, "reserved bit is set")
	}
	h := FrameHeader{
		Size: d.headerSize(), SingleSegment: d.singleSegment(), Checksum: d.checksum(),
		UnusedBit: d.unused(), HasContentSize: d.contentSize() > 0,
	}
	if len(b) < h.Size {
		return FrameHeader{}, short("data frame", len(b))
	}
	b = b[descriptorEnd:]
	if n := d.windowSize(); n > 0 {
		base := uint64(1) << (10 + b[0]>>3)
		h.Window = base + base/8*uint64(b[0]&7)
		b = b[n:]
	}
	n := d.dictionarySize()
	h.Dictionary = littleEndian(b[:n]) != 0
	h.ContentSize = littleEndian(b[n:][:d.contentSize()])
	if d.contentSize() == 2 {
		h.ContentSize += 256
	}
	if h.SingleSegment {
		h.Window = h.ContentSize
	}
	return h, nil
}

// littleEndian reads an integer of up to eight bytes.
func littleEndian(b []byte) (v uint64) {
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return v
}

// MaxFrameSize is the largest size on the wire of a data frame with so much
// content, spec §5.
func MaxFrameSize(content int) int { return content + content>>8 + 64 }

// CheckData says whether an ordinary frame may be a data frame of a stream
// with this chunk, spec §5.
func CheckData(h FrameHeader, chunk uint32) error {
	switch {
	case h.UnusedBit || h.Dictionary || !h.SingleSegment:
		return corrupt("data frame", "TR-22", 4, "descriptor not allowed in a data frame")
	case !h.HasContentSize || h.ContentSize == 0:
		return corrupt("data frame", "TR-20", 4, "no content size")
	case h.ContentSize > uint64(chunk):
		return differ(corrupt("data frame", "TR-20", 4, "content larger than chunk"), uint64(chunk), h.ContentSize)
	case !h.Checksum:
		return corrupt("data frame", "TR-21", 4, "no content checksum")
	}
	return nil
}

// Walker finds the end of an ordinary frame by its block headers. It sees
// only as much of the frame as it asks for, so it serves a slice that still
// grows and a stream that is passed on alike. The zero value stands at the
// start of a frame.
//
//	for w.Need() > 0 {
//		… bring the w.Need() bytes at w.Pos() …
//		err := w.Step(those bytes)
//	}
//	// w.Pos() is the length of the frame
type Walker struct {
	pos     int64
	state   walkState
	header  FrameHeader
	size    int   // of the header, known from the descriptor on
	content int64 // upper bound for the content of the blocks so far
	packed  bool  // one of them is compressed
	raw     int   // content of the last block passed, if it is a raw one
}

type walkState int

const (
	atDescriptor walkState = iota
	atHeader
	atBlock
	atEnd
)

// Need gives the number of bytes that Step has to see; 0 at the end.
func (w *Walker) Need() int {
	switch w.state {
	case atDescriptor:
		return descriptorEnd
	case atHeader:
		return w.size
	case atBlock:
		return blockHeaderSize
	}
	return 0
}

// Pos gives the offset in the frame of the bytes that Step has to see; at the
// end, the length of the frame.
func (w *Walker) Pos() int64 { return w.pos }

// InBlocks says whether the frame's header has been passed.
func (w *Walker) InBlocks() bool { return w.state >= atBlock }

// Header gives the frame's header. It is valid once InBlocks is true.
func (w *Walker) Header() FrameHeader { return w.header }

// MaxContent gives an upper bound for the content of the blocks passed so
// far.
func (w *Walker) MaxContent() int64 { return w.content }

// Compressed says whether any of the blocks passed so far is a compressed one.
// A frame without any was stored, with runs taken out.
func (w *Walker) Compressed() bool { return w.packed }

// Step takes the bytes at Pos, of which there have to be Need or more. It
// fails with [frame.ErrCorrupt] if they break the format, and with
// io.ErrUnexpectedEOF if they are too few. Offsets in errors count from Pos.
func (w *Walker) Step(b []byte) error {
	if len(b) < w.Need() {
		return short("data frame", len(b))
	}
	switch w.state {
	case atDescriptor:
		w.size = descriptor(b[4]).headerSize()
		w.state = atHeader
	case atHeader:
		h, err := ParseFrameHeader(b)
		if err != nil {
			return err
		}
		w.header = h
		w.pos = int64(h.Size)
		w.state = atBlock
	case atBlock:
		return w.block(b)
	}
	return nil
}

// stepIn takes the next step in a whole frame. It does not at the frame's end, nor where that
// turns out not to be whole.
func (w *Walker) stepIn(whole []byte) bool {
	return w.Need() > 0 && w.Pos() <= int64(len(whole)) && w.Step(whole[w.Pos():]) == nil
}

// block passes one block, and the checksum behind the last one.
func (w *Walker) block(b []byte) error {
	h, err := parseBlockHeader(b)
	if err != nil {
		return err
	}
	w.pos += blockHeaderSize + int64(h.stored())
	w.content += int64(h.content())
	w.packed = w.packed || h.typ == blockCompressed
	w.raw = 0
	if h.typ == blockRaw {
		w.raw = h.size
	}
	if h.last {
		w.state = atEnd
		if w.header.Checksum {
			w.pos += ChecksumSize
		}
	}
	return nil
}

// Block_Type, RFC 8878 §3.1.1.2.2.
const (
	blockRaw        = 0
	blockRLE        = 1
	blockCompressed = 2
	blockReserved   = 3
)

// blockHeader is what the header of a block says, RFC 8878 §3.1.1.2.
type blockHeader struct {
	last bool
	typ  int
	size int // Block_Size: what is stored, and of an RLE block its content
}

func parseBlockHeader(b []byte) (blockHeader, error) {
	v := int(littleEndian(b[:blockHeaderSize]))
	h := blockHeader{last: v&1 != 0, typ: v >> 1 & 3, size: v >> 3}
	if h.typ == blockReserved || h.size > MaxBlock {
		return h, corrupt("data frame", "TR-24", 0, "block of reserved type or too large")
	}
	return h, nil
}

// stored gives how many bytes stand behind the header.
func (h blockHeader) stored() int {
	if h.typ == blockRLE {
		return 1
	}
	return h.size
}

// content gives an upper bound for what they decode to.
func (h blockHeader) content() int {
	if h.typ == blockCompressed {
		return MaxBlock
	}
	return h.size
}
