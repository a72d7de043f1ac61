package pipe

import (
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

// slack is room behind the content that lets the codec's fast paths write a
// little too far.
const slack = 32

// decoder decodes whole frames, several at once. The codec's state is made when
// it is first needed.
type decoder struct {
	workers int
	limit   int64 // of window and content

	once  sync.Once
	codec *zstd.Decoder
	err   error
}

// newCodec makes the codec's decoder, which starts no goroutine. For it the
// window of a single segment is its content, and what it calls memory is the
// content of one frame.
func newCodec(workers int, limit int64, more ...zstd.DOption) (*zstd.Decoder, error) {
	dec, err := zstd.NewReader(nil, append(more,
		zstd.WithDecoderConcurrency(workers),
		zstd.WithDecoderMaxWindow(uint64(limit)),
		zstd.WithDecoderMaxMemory(uint64(limit)),
	)...)
	return dec, errors.Wrap(err, "set up the decoder")
}

// use makes ready for another number of frames at once. Nobody may decode
// meanwhile.
func (d *decoder) use(workers int) {
	if d.workers != workers {
		d.close()
		*d = decoder{workers: workers, limit: d.limit}
	}
}

func (d *decoder) close() {
	if d.codec != nil {
		d.codec.Close()
	}
}

// decode decodes a part into a buffer from out, and gives back what its frame lies in. What
// is wrong with the frame becomes the part's error.
func (d *decoder) decode(p *part, out *bufpool.Pool) {
	switch {
	case p.kind == partFast:
		p.err = d.fast(p, out)
	case zst.Elided(p.frame):
		p.err = d.elided(p, out)
	default:
		p.err = d.zstd(p, out)
	}
	if p.err == nil {
		p.err = p.prove()
	}
	p.loan.back()
	p.loan, p.frame = loan{}, nil
}

// prove verifies what the frame says of its content beside its size, and makes the item that
// the stream's digest wants.
func (p *part) prove() error {
	if p.kind == partFast {
		p.item = p.fast.Item()
		if zst.DigestOf(p.out.B) != p.fast.Digest {
			return p.place.bad(fastFrame, "TR-28", "digest of the content differs", frame.ErrCorrupt)
		}
		return nil
	}
	sum, ok := zst.Checksum(p.frame)
	if !ok {
		return nil // a foreign frame
	}
	hash := zst.ContentHash(p.out.B)
	if uint32(hash) != sum {
		return otherChecksum(p.place)
	}
	if p.sealed {
		p.item = zst.ItemOf(p.frame, p.size, hash)
	}
	return nil
}

func otherChecksum(at place) error {
	return at.bad(dataFrame, "TR-24", "content checksum differs", frame.ErrCorrupt)
}

// zstd decodes a frame by the codec, which leaves the checksum to prove.
func (d *decoder) zstd(p *part, out *bufpool.Pool) error {
	d.once.Do(func() { d.codec, d.err = newCodec(d.workers, d.limit, zstd.IgnoreChecksum(true)) })
	if d.err != nil {
		return d.err
	}
	p.out = out.GetSize(p.size + slack)
	b, err := d.codec.DecodeAll(p.frame, p.out.B)
	if err != nil {
		return undecodable(p.place, err)
	}
	return p.fill(b)
}

// fill takes what was decoded, if it is as much as the frame says.
func (p *part) fill(content []byte) error {
	if p.exact && len(content) != p.size {
		return p.place.bad(dataFrame, "TR-24", "content size differs", frame.ErrCorrupt)
	}
	p.out.B = content
	return nil
}

// elided decodes a frame without compressed blocks, many times as fast as the codec does.
func (d *decoder) elided(p *part, out *bufpool.Pool) error {
	p.out = out.GetSize(p.size + slack)
	b, err := zst.Unelide(p.out.B, p.frame, p.size)
	if err != nil {
		return p.place.add(err)
	}
	return p.fill(b)
}

// fast decodes a fast frame.
func (d *decoder) fast(p *part, out *bufpool.Pool) error {
	n, err := s2.DecodedLen(p.fast.Block)
	if err != nil || n != p.size {
		return p.place.bad(fastFrame, "TR-28", "block is of another size", frame.ErrCorrupt)
	}
	p.out = out.GetSize(n + slack)
	p.out.B, err = s2.Decode(p.out.B[:n], p.fast.Block)
	if err != nil {
		return p.place.bad(fastFrame, "TR-28", "block does not decode", frame.ErrCorrupt)
	}
	return nil
}

// undecodable turns an error of the codec into one of the stream. The codec's
// own words are dropped: they may quote what they stumbled over.
func undecodable(at place, err error) error {
	switch {
	case errors.Is(err, zstd.ErrCRCMismatch):
		return otherChecksum(at)
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return at.bad(dataFrame, "TR-80", "window or content too large", frame.ErrTooLarge)
	}
	return at.bad(dataFrame, "TR-24", "blocks do not decode", frame.ErrCorrupt)
}
