package pipe

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

// Whatever the pieces: bytes leave in order, never more than are due, all due
// ones leave, and the buffers come back.
func TestHoldback(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, hold := range []int{1, 10, 100} {
		h := holdback{pool: bufpool.New(hold, 2*hold), hold: hold}
		var in, out []byte
		for range 1000 {
			b := h.pool.Get()
			for range rng.IntN(hold + 1) {
				b.B = append(b.B, byte(rng.Uint32()))
			}
			in = append(in, b.B...)
			h.take(b)
			for ready := h.ready(); len(ready) > 0 && rng.IntN(5) > 0; ready = h.ready() {
				n := 1 + rng.IntN(len(ready))
				out = append(out, ready[:n]...)
				h.release(n)
				if len(in)-len(out) < hold {
					t.Fatalf("hold %d: %d of %d bytes left", hold, len(out), len(in))
				}
			}
			// A buffer that was left half empty is followed by one that is
			// not, so twice the bytes is a bound.
			if got, most := h.pool.Loans(), int64(2*(h.size+h.gone)/hold+2); got > most {
				t.Fatalf("hold %d: %d buffers for %d bytes", hold, got, h.size)
			}
		}
		h.open()
		for ready := h.ready(); len(ready) > 0; ready = h.ready() {
			out = append(out, ready...)
			h.release(len(ready))
		}
		if !bytes.Equal(in, out) || h.size != 0 {
			t.Errorf("hold %d: %d bytes in, %d out", hold, len(in), len(out))
		}
		h.drop()
		if n := h.pool.Loans(); n != 0 {
			t.Errorf("hold %d: %d buffers out", hold, n)
		}
	}
}

// What is handed out cannot be used to write over what follows.
func TestReadyIsCapped(t *testing.T) {
	h := holdback{pool: bufpool.New(16, 16), hold: 4}
	b := h.pool.Get()
	b.B = append(b.B, "abcdwxyz"...)
	h.take(b)
	ready := h.ready()
	if string(ready) != "abcd" || cap(ready) != 4 {
		t.Errorf("ready %q with room for %d", ready, cap(ready))
	}
	h.drop()
	if h.ready() != nil || h.pool.Loans() != 0 {
		t.Error("drop left something")
	}
}
