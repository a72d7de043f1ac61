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
// no goroutine. It has to be closed.
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

// encodedFrame is what the stream has to know about a data frame.
type encodedFrame struct {
	entry zst.Entry
	item  zst.Item
}

// encode appends the frame for content, which must not be empty, to dst. It
// does not allocate if dst has room for zst.MaxFrameSize. Blocks that do not
// shrink are stored by the codec.
func (e frameEncoder) encode(dst, content []byte) ([]byte, encodedFrame) {
	at := len(dst)
	dst = e.enc.EncodeAll(content, dst)
	return dst, encodedFrame{
		entry: zst.DataEntry(dst[at:], len(content)),
		item:  zst.ItemOf(dst[at:], content),
	}
}

func (e frameEncoder) close() {
	// With no stream begun there is nothing that could fail.
	_ = e.enc.Close()
}
