package pipe

import (
	"math"
	"testing"
)

// What there is to save is seen from a few pages, whatever their offset.
func TestAppraise(t *testing.T) {
	const n = 1 << 20
	for _, shift := range []int{0, 24, 2048} {
		for name, c := range map[string]struct {
			content        []byte
			zero, packable float64 // parts of the content
		}{
			"zeros":  {make([]byte, n), 1, 0},
			"random": {payloads(n)["random"], 0, 0},
			"words":  {payloads(n)["words"], 0, 0.5},
			"coded":  {coded(payloads(n)["random"]), 0, 0.5},
			"half":   {append(make([]byte, n/2), payloads(n / 2)["random"]...), 0.5, 0},
		} {
			w := appraise(c.content[shift:])
			zero, packable := float64(w.zero)/float64(w.size), float64(w.packable)/float64(w.size)
			if math.Abs(zero-c.zero) > 0.05 || math.Abs(packable-c.packable) > 0.25 || w.size != len(c.content)-shift {
				t.Errorf("%s from %d: zero %.2f, packable %.2f", name, shift, zero, packable)
			}
		}
	}
	if w := appraise([]byte("x")); w != (worth{size: 1}) {
		t.Errorf("a byte: %+v", w)
	}
}

// coded gives random bytes of sixteen values: nothing repeats, and half of each is known.
func coded(random []byte) []byte {
	for i := range random {
		random[i] = random[i]&15 + 'a'
	}
	return random
}
