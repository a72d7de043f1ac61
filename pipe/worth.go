package pipe

import (
	klauspost "github.com/klauspost/compress"
	"github.com/klauspost/compress/s2"

	"github.com/ctxpipe/ctxpipe/frame"
)

// worth says what there is to save in a chunk, as far as a look at a part of it
// tells. All are bytes of the content.
type worth struct {
	size     int
	zero     int // runs of zeros, which every level takes out
	packable int // what a fast codec would save of the rest
}

const (
	// lookEvery is how far the looks at a chunk are apart, and lookSize how much
	// each sees: a page in sixteen.
	lookEvery = 16 * lookSize
	lookSize  = 4 << 10
	// halfLook is what a page of zeros fills wherever it begins.
	halfLook = lookSize / 2
)

// appraise looks at pages spread over a chunk. What differs between chunks is how
// much of them is zero, packed already, or neither, and a few pages tell that.
func appraise(content []byte) worth {
	w := worth{size: len(content)}
	seen := 0
	for at := 0; at+lookSize <= len(content); at += lookEvery {
		look := content[at : at+lookSize]
		seen += lookSize
		zero := 0
		for half := range 2 {
			if frame.IsZero(look[half*halfLook:][:halfLook]) {
				zero += halfLook
			}
		}
		w.zero += zero
		if zero == lookSize {
			continue
		}
		w.packable += packable(look, zero)
	}
	if seen > 0 {
		scale := float64(w.size) / float64(seen)
		w.zero = int(float64(w.zero) * scale)
		w.packable = int(float64(w.packable) * scale)
	}
	return w
}

// packable gives what a codec would save of a page beside its zeros: by what repeats in it or, where
// that is little, by how often its bytes occur. Code and tables repeat from further away than a
// look can see.
func packable(look []byte, zero int) int {
	saves := 0
	if n := s2.EstimateBlockSize(look); n > 0 {
		saves = max(0, lookSize-zero-n)
	}
	if saves < lookSize/8 {
		saves = max(saves, lookSize-zero-klauspost.ShannonEntropyBits(look)/8)
	}
	return saves
}
