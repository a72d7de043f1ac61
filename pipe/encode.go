package pipe

import (
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/zenc"
)

// encodedFrame is a data frame and what the stream has to know about it.
type encodedFrame struct {
	vec   [][]byte // all that leaves, in order, with what stands in front of it
	size  int      // of the frame alone
	entry zst.Entry
	item  zst.Item
	level Level // that made it
	zero  int   // bytes of the content that an elided frame leaves out
	err   error // no frame could be made
}

// frameMaker makes data frames for one worker. It keeps nothing from one chunk
// to the next but the encoder's memory, which it takes when a level is first
// asked for.
type frameMaker struct {
	most    Level // that is asked for
	encoder blockEncoder
	out     *bufpool.Pool // of room for a frame, see frameSize
	verify  *verifier     // nil: do not
}

// blockEncoder appends the blocks of a frame, as [zenc.Encoder] does.
type blockEncoder interface {
	// Append is that of zenc.Encoder.
	Append(dst []byte, effort zenc.Effort, content []byte) []byte
}

// effortOf says how a level has zstd blocks made.
var effortOf = [madeLevels + 1]zenc.Effort{
	LevelFastest: zenc.Fast,
	LevelDefault: zenc.Double,
	LevelBetter:  zenc.Wide,
	LevelBest:    zenc.Optimal,
	LevelAuto:    zenc.Optimal, // and all the others
}

// make makes the frame of a job, whose content is not empty. It allocates nothing once there are buffers and the encoder has
// its memory. A chunk that does not shrink is stored: made by LevelElide,
// which copies nothing and costs the reader nothing.
func (m *frameMaker) make(j *job, l Level) {
	if m.encode(j, l); m.verify != nil {
		m.verified(j)
	}
}

func (m *frameMaker) encode(j *job, l Level) {
	switch l {
	case LevelElide:
		m.elide(j)
		return
	case LevelFast:
		m.fast(j)
	default:
		m.zstd(j, l)
	}
	if n := len(j.content); j.made.size > n-n/worthwhile {
		m.elide(j)
	}
}

// room lends a job a buffer for its frame, with header and lock in it.
func (m *frameMaker) room(j *job) []byte {
	j.out = m.out.Get()
	return append(j.out.B, j.header...)
}

// worthwhile is the part of a chunk that a codec has to save: less is not worth
// what the reader spends on it.
const worthwhile = 64

// elide makes the frame without a codec, which needs no room.
func (m *frameMaker) elide(j *job) {
	j.putOut(m.out)
	e := &j.elider
	vec, size, zero := e.Frame(j.content)
	j.made.vec = append(j.made.vec[:0], j.header)
	j.made.vec = append(j.made.vec, vec...)
	j.made.size, j.made.zero, j.made.level = size, zero, LevelElide
	j.made.entry, j.made.item = e.Entry(), e.Item()
}

// A block that leaves more than closerLook of its chunk is made again by the encoder that looks
// closer. In such a chunk the first one soon skips ahead, having found nothing, and so does that one:
// it takes little longer, and finds up to half of what is left.
const closerLook = 0.75

// fast makes a fast frame.
func (m *frameMaker) fast(j *job) {
	content := j.content
	out := zst.BeginFast(m.room(j), uint32(len(content)), zst.DigestOf(content))
	room := out[len(out):cap(out)] // where the block stays
	block := s2.Encode(room, content)
	if float64(len(block)) > closerLook*float64(len(content)) {
		block = s2.EncodeBetter(room, content)
	}
	out, f := zst.FinishFast(append(out, block...), len(j.header))
	j.out.B = out
	whole := out[len(j.header):]
	j.made.vec = append(j.made.vec[:0], out)
	j.made.size, j.made.level = len(whole), LevelFast
	j.made.entry, j.made.item = zst.FastEntry(whole, f), f.Item()
}

// zstd makes the frame of compressed blocks.
func (m *frameMaker) zstd(j *job, l Level) {
	content := j.content
	if m.encoder == nil {
		m.encoder = zenc.New(effortOf[m.most])
	}
	out := m.encoder.Append(zst.BeginData(m.room(j), len(content)), effortOf[l], content)
	hash := zst.ContentHash(content)
	j.out.B = zst.FinishData(out, hash)
	whole := j.out.B[len(j.header):]
	j.made.vec = append(j.made.vec[:0], j.out.B)
	j.made.size, j.made.level = len(whole), l
	j.made.entry, j.made.item = zst.DataEntry(whole, len(content)), zst.ItemOf(whole, len(content), hash)
}

// verified demands that the frame decodes to its content. If it does not, it is
// made again without a codec.
func (m *frameMaker) verified(j *job) {
	start := time.Now()
	if j.made.err == nil && !m.verify.good(j) {
		j.failed = true
		if m.elide(j); !m.verify.good(j) {
			j.made.err = ErrCodec
		}
	}
	j.verifying = time.Since(start)
}
