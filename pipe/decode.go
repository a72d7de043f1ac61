package pipe

import (
	"github.com/klauspost/compress/zstd"
	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// decoder gives the codec's decoder. It starts no goroutine, and serves whole
// frames and streamed ones.
func (r *Restorer) decoder() (*zstd.Decoder, error) {
	if r.dec != nil {
		return r.dec, nil
	}
	// For the codec the window of a single segment is its content, so its
	// limits have to admit a chunk as well.
	window := max(r.cfg.maxWindow, int64(r.info.Chunk))
	dec, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(uint64(window)),
		zstd.WithDecoderMaxMemory(uint64(window)),
	)
	if err != nil {
		return nil, errors.Wrap(err, "set up the decoder")
	}
	r.dec = dec
	return dec, nil
}

// decodeWhole decodes one whole frame into the queue and gives its content.
// The content's size is known from the frame's header h and at most a piece of
// the queue.
func (r *Restorer) decodeWhole(whole []byte, w *zst.Walker) ([]byte, error) {
	size := int(w.Header().ContentSize)
	if int64(size) > w.MaxContent() {
		return nil, r.bad(dataFrame, "TR-24", "blocks too few for the content size", frame.ErrCorrupt)
	}
	if err := r.admit(int64(size)); err != nil {
		return nil, err
	}
	dec, err := r.decoder()
	if err != nil {
		return nil, err
	}
	buf := r.out.room(size)
	at := len(buf.B)
	b, err := dec.DecodeAll(whole, buf.B)
	if err != nil {
		return nil, r.undecodable(err)
	}
	if len(b)-at != size {
		return nil, r.bad(dataFrame, "TR-24", "content size differs", frame.ErrCorrupt)
	}
	buf.B = b
	r.out.grew(size)
	r.meter.frames.Add(1)
	return b[at:], nil
}

// undecodable turns an error of the codec into one of the stream. The codec's
// own words are dropped: they may quote what they stumbled over.
func (r *Restorer) undecodable(err error) error {
	switch {
	case errors.Is(err, zstd.ErrCRCMismatch):
		return r.bad(dataFrame, "TR-24", "content checksum differs", frame.ErrCorrupt)
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return r.bad(dataFrame, "TR-80", "window or content too large", frame.ErrTooLarge)
	}
	return r.bad(dataFrame, "TR-24", "blocks do not decode", frame.ErrCorrupt)
}
