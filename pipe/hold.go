package pipe

import "github.com/ctxpipe/ctxpipe/internal/bufpool"

// holdback is the queue between decoding and letting out, spec §11. It owns
// its buffers: they come in at the end and leave from the front, and bytes leave
// only while at least hold later bytes stay.
//
// Short pieces share a buffer, so that the memory of a queue depends on the
// bytes in it and not on the number of pieces.
type holdback struct {
	pool *bufpool.Pool
	hold int
	bufs []*bufpool.Buffer
	gone int // bytes of bufs[0] that have left
	size int // bytes that are held

	left    int64 // bytes that have left in all
	sealed  int64 // of the payload, what is not held back any more but for guard
	guarded bool
	safe    int64 // of the payload, what may leave before it is open if guarded
}

// take takes a buffer over, with what is in it. What fits behind the last one is
// copied there, and the buffer given back.
func (h *holdback) take(b *bufpool.Buffer) {
	h.size += len(b.B)
	if n := len(h.bufs); n > 0 {
		if last := h.bufs[n-1]; cap(last.B)-len(last.B) >= len(b.B) {
			last.B = append(last.B, b.B...)
			h.pool.Put(b)
			return
		}
	}
	h.bufs = append(h.bufs, b)
}

// ready gives bytes that may leave now; none if more have to come first.
func (h *holdback) ready() []byte {
	n := max(h.size-h.hold, int(h.sealed-h.left))
	if h.guarded {
		n = min(n, int(h.safe-h.left))
	}
	if n <= 0 {
		return nil
	}
	first := h.bufs[0].B[h.gone:]
	return first[:min(n, len(first)):min(n, len(first))]
}

// release lets the first n bytes of what ready gave go.
func (h *holdback) release(n int) {
	h.gone += n
	h.size -= n
	h.left += int64(n)
	if h.gone < len(h.bufs[0].B) {
		return
	}
	h.pool.Put(h.bufs[0])
	h.bufs = append(h.bufs[:0], h.bufs[1:]...)
	h.gone = 0
}

// seal lets all that is in the queue leave, but for what guard holds.
func (h *holdback) seal() { h.sealed = h.left + int64(h.size) }

// guard lets nothing leave from safe on.
func (h *holdback) guard(safe int64) { h.guarded, h.safe = true, safe }

// guards gives the number of bytes that are held because of guard.
func (h *holdback) guards() int64 {
	if !h.guarded {
		return 0
	}
	return max(0, h.left+int64(h.size)-h.safe)
}

// open lets everything leave.
func (h *holdback) open() { h.hold, h.guarded = 0, false }

// begin makes an empty queue ready for another payload.
func (h *holdback) begin() { h.hold, h.left, h.sealed, h.guarded = 0, 0, 0, false }

// drop gives all buffers back, with what is in them.
func (h *holdback) drop() {
	for _, b := range h.bufs {
		h.pool.Put(b)
	}
	h.bufs, h.gone, h.size = h.bufs[:0], 0, 0
}
