package pipe

import (
	"math/bits"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// maxWindow is the longest distance of a match. The codec's own value at its
// fastest level; more costs memory and gains little.
const maxWindow = 4 << 20

// frameEncoder makes one data frame out of one chunk. It keeps nothing from
// one chunk to the next, so several may work on one stream.
type frameEncoder struct{ enc *zstd.Encoder }

// newFrameEncoder makes an encoder for chunks of up to chunk bytes. It starts
// no goroutine, and so need not be closed.
func newFrameEncoder(chunk int) (frameEncoder, error) {
	enc, err := zstd.NewWriter(nil,
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderCRC(true),
		// Without this the codec omits the content size of short chunks.
		zstd.WithSingleSegment(true),
		// No distance can be longer than the chunk, and the codec allocates
		// twice the window.
		zstd.WithWindowSize(min(maxWindow, 1<<bits.Len(uint(chunk-1)))),
	)
	return frameEncoder{enc}, err
}

// encodedFrame is a data frame and what the stream has to know about it.
type encodedFrame struct {
	vec   [][]byte // all that leaves, in order, with the header if there is one
	entry zst.Entry
	item  zst.Item
}

// encode makes the frame of a job, whose content is not empty, behind what out
// holds already. It allocates nothing: out has room for zst.MaxFrameSize. Blocks
// that do not shrink are stored by the codec.
func (e frameEncoder) encode(j *job) {
	content, at := j.in.B, len(j.out.B)
	j.out.B = e.enc.EncodeAll(content, j.out.B)
	whole := j.out.B[at:]
	j.made = encodedFrame{
		vec:   append(j.made.vec[:0], j.out.B),
		entry: zst.DataEntry(whole, len(content)),
		item:  zst.ItemOf(whole, content),
	}
}
