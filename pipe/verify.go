package pipe

import (
	"bytes"
	stderrors "errors"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// ErrCodec says that a frame did not decode to its content, nor did the one that
// was made of it without a codec: see [WithVerifyEncode].
var ErrCodec = stderrors.New("frames do not decode to their content: a codec or the machine is broken")

// verifier decodes what a worker has made.
type verifier struct {
	codec   *zstd.Decoder
	frame   []byte // an elided frame in one piece
	content []byte
}

func newVerifier(chunk int) (*verifier, error) {
	codec, err := newCodec(1, int64(max(chunk, 1<<20)))
	return &verifier{codec: codec, frame: make([]byte, 0, frameSize(chunk)), content: make([]byte, 0, chunk+slack)}, err
}

// good says whether the frame of a job decodes to its content.
func (v *verifier) good(j *job) bool {
	whole := v.whole(j)
	if j.made.level == LevelFast {
		magic, size, err := zst.ParseSkippableHeader(whole)
		if err != nil || magic != zst.MagicOwn || int64(size) != int64(len(whole)-zst.SkippableHeaderSize) {
			return false
		}
		f, err := zst.ParseFast(whole[zst.SkippableHeaderSize:])
		if err != nil {
			return false
		}
		n, err := s2.DecodedLen(f.Block)
		if err != nil || n != len(j.content) {
			return false
		}
		got, err := s2.Decode(v.content[:n], f.Block)
		return err == nil && bytes.Equal(got, j.content)
	}
	got, err := v.codec.DecodeAll(whole, v.content)
	return err == nil && bytes.Equal(got, j.content)
}

// whole gives the frame in one piece.
func (v *verifier) whole(j *job) []byte {
	if j.made.level != LevelElide {
		return j.made.vec[0][len(j.header):]
	}
	v.frame = v.frame[:0]
	for _, b := range j.made.vec[1:] { // behind what stands in front
		v.frame = append(v.frame, b...)
	}
	return v.frame
}
