package zst

import (
	"encoding/binary"
	"math/bits"

	"github.com/zeebo/xxh3"

	"github.com/ctxpipe/ctxpipe/frame"
)

const (
	// zeroStep is half a page: whatever the offset of the pages in the
	// content, a page of zeros holds at least one whole step.
	zeroStep = 2 << 10
	// minZero is the shortest run that becomes an RLE block. It saves far more
	// than the block header and the one of the raw block behind it, and is
	// worth two more slices to write.
	minZero = 1 << 10
	// firstRaw is how much of the content is not looked at, so that every
	// frame begins with a raw block. The zstd command up to 1.4.3 takes 18
	// bytes of a frame at once and fails ("should consume entire input") if
	// they decode to more than 128 KiB, as with two RLE blocks or with one
	// behind a single byte. Behind three it ends beyond those 18.
	firstRaw = 3
)

// Elider makes data frames without a codec: raw blocks around the caller's own
// bytes, and RLE blocks in place of runs of zeros. It is for payloads that are
// not worth compressing but are full of pages never written to.
//
// The zero value is ready for use. It keeps what it allocates, so it allocates
// nothing once it has seen frames of that many blocks.
type Elider struct {
	head    []byte   // all bytes of the frame that are not content
	sliced  int      // how much of head is in vec
	vec     [][]byte // the frame
	content []byte
	size    int
	zero    int
	hash    uint64
}

// Frame gives the data frame with that content, 1 to [MaxChunk] bytes, as the
// slices to be written in order: parts of content, and small pieces of the
// Elider's own in between. No content is copied. size is the length of the
// frame, at most [MaxFrameSize] of the content's; zero is the number of bytes
// that RLE blocks stand for.
//
// vec is valid until the next call, and content must stay unchanged until vec
// is written. It may be consumed in writing, as net.Buffers does.
func (e *Elider) Frame(content []byte) (vec [][]byte, size, zero int) {
	e.content, e.vec = content, e.vec[:0]
	e.sliced, e.size, e.zero = 0, 0, 0
	e.head = BeginData(e.head[:0], len(content))
	e.blocks()
	e.hash = ContentHash(content)
	e.head = FinishData(e.head, e.hash)
	e.flush()
	e.size += len(e.head)
	return e.vec, e.size, e.zero
}

// Entry gives the entry of the last frame for the seek table.
func (e *Elider) Entry() Entry {
	return Entry{Compressed: uint32(e.size), Content: uint32(len(e.content)), Checksum: uint32(e.hash)}
}

// Item gives the item of the last frame.
func (e *Elider) Item() Item {
	return Item{Size: len(e.content), Content: e.hash, Wire: xxh3.Hash(e.head)}
}

// blocks adds the blocks.
func (e *Elider) blocks() {
	for done, from := 0, firstRaw; done < len(e.content); from = done {
		start, end := zeroRun(e.content, from)
		e.raw(done, start)
		e.rle(start, end)
		done = end
	}
}

// raw adds content[at:end] as it is.
func (e *Elider) raw(at, end int) {
	for at < end {
		n := min(end-at, MaxBlock)
		e.header(blockRaw, n, at+n)
		e.flush()
		e.vec = append(e.vec, e.content[at:at+n])
		e.size += n
		at += n
	}
}

// rle adds content[at:end], which is all zero. Its blocks are of about the
// same size, so that none is so short that it does not pay.
func (e *Elider) rle(at, end int) {
	e.zero += end - at
	for at < end {
		count := (end - at + MaxBlock - 1) / MaxBlock
		n := (end - at) / count
		e.header(blockRLE, n, at+n)
		e.head = append(e.head, 0)
		at += n
	}
}

// header adds the header of a block for n bytes of content up to end.
func (e *Elider) header(typ, n, end int) {
	v := typ<<1 | n<<3
	if end == len(e.content) {
		v |= 1 // Last_Block
	}
	e.head = append(e.head, byte(v), byte(v>>8), byte(v>>16))
}

// flush puts into vec what head has gained. If head moves afterwards, vec
// keeps the old one, in which that part does not change any more.
func (e *Elider) flush() {
	e.vec = append(e.vec, e.head[e.sliced:])
	e.sliced = len(e.head)
}

// zeroRun finds the first run of zeros in b[from:] that is worth an RLE block:
// one that fills a step, with the zeros on both sides of it. If there is none,
// both results are len(b).
func zeroRun(b []byte, from int) (start, end int) {
	for at := from &^ (zeroStep - 1); at < len(b); at += zeroStep {
		end = zeroSteps(b, at)
		if end == at {
			continue
		}
		start = from
		if at > from {
			start = at - zerosAtEnd(b[from:at])
		}
		end += zerosAtStart(b[end:])
		if end-start >= minZero {
			return start, end
		}
	}
	return len(b), len(b)
}

// zeroSteps gives the end of the steps from at that are all zero. The last
// step of b may be a short one.
func zeroSteps(b []byte, at int) int {
	for at < len(b) {
		n := min(len(b)-at, zeroStep)
		if !isZero(b[at : at+n]) {
			break
		}
		at += n
	}
	return at
}

// isZero says whether a step is all zero. Most that are not show it in the
// first bytes.
func isZero(b []byte) bool {
	if len(b) >= 8 && binary.LittleEndian.Uint64(b) != 0 {
		return false
	}
	return frame.IsZero(b)
}

// zerosAtStart counts the zeros before the first other byte.
func zerosAtStart(b []byte) (n int) {
	for ; len(b)-n >= 8; n += 8 {
		if v := binary.LittleEndian.Uint64(b[n:]); v != 0 {
			return n + bits.TrailingZeros64(v)/8
		}
	}
	for n < len(b) && b[n] == 0 {
		n++
	}
	return n
}

// zerosAtEnd counts the zeros behind the last other byte.
func zerosAtEnd(b []byte) (n int) {
	for ; len(b)-n >= 8; n += 8 {
		if v := binary.LittleEndian.Uint64(b[len(b)-n-8:]); v != 0 {
			return n + bits.LeadingZeros64(v)/8
		}
	}
	for n < len(b) && b[len(b)-n-1] == 0 {
		n++
	}
	return n
}
