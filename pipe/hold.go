package pipe

import "github.com/ctxpipe/ctxpipe/internal/bufpool"

// slack is room behind the content that lets the decoder's fast paths write
// a little too far.
const slack = 32

// holdback is the queue between decoding and letting out, spec §11. It owns
// its buffers: bytes are decoded into the last one and leave from the first,
// and they leave only while at least hold later bytes stay.
//
// Short pieces share a buffer, so that the memory of a queue depends on the
// bytes in it and not on the number of pieces.
type holdback struct {
	pool  *bufpool.Pool
	piece int // content of a full buffer
	hold  int
	bufs  []*bufpool.Buffer
	gone  int // bytes of bufs[0] that have left
	size  int // bytes that are held
}

// newHoldback makes a queue that holds back the last hold bytes, in pieces of
// that size.
func newHoldback(hold int) holdback {
	size := hold + slack
	return holdback{pool: bufpool.New(size, size), piece: hold, hold: hold}
}

// room gives the last buffer, with room for n bytes and slack more. n is at
// most the size of a piece. The caller appends to its B and then calls grew.
func (h *holdback) room(n int) *bufpool.Buffer {
	if len(h.bufs) > 0 {
		if last := h.bufs[len(h.bufs)-1]; h.piece-len(last.B) >= n {
			return last
		}
	}
	last := h.pool.Get()
	h.bufs = append(h.bufs, last)
	return last
}

// free gives room for at least one byte: the rest of the last buffer.
func (h *holdback) free() []byte {
	last := h.room(1)
	return last.B[len(last.B):h.piece]
}

// grew counts n bytes that were appended to the buffer that room gave.
func (h *holdback) grew(n int) { h.size += n }

// filled counts the first n bytes of what free gave.
func (h *holdback) filled(n int) {
	last := h.bufs[len(h.bufs)-1]
	last.B = last.B[:len(last.B)+n]
	h.grew(n)
}

// ready gives bytes that may leave now; none if more have to come first.
func (h *holdback) ready() []byte {
	n := h.size - h.hold
	if n <= 0 {
		return nil
	}
	first := h.bufs[0].B[h.gone:]
	return first[:min(n, len(first)):len(first)]
}

// release lets the first n bytes of what ready gave go.
func (h *holdback) release(n int) {
	h.gone += n
	h.size -= n
	if h.gone < len(h.bufs[0].B) {
		return
	}
	h.pool.Put(h.bufs[0])
	h.bufs = append(h.bufs[:0], h.bufs[1:]...)
	h.gone = 0
}

// open lets everything leave.
func (h *holdback) open() { h.hold = 0 }

// drop gives all buffers back, with what is in them.
func (h *holdback) drop() {
	for _, b := range h.bufs {
		h.pool.Put(b)
	}
	h.bufs, h.gone, h.size = nil, 0, 0
}
