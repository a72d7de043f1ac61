// Package guestmem makes pages that look like a guest's memory, the same ones
// for the same seed: untouched pages, copies, text, tables of pointers, and
// pages that nothing can compress.
package guestmem

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
)

// PageSize is the size of a page in bytes.
const PageSize = 4096

// shares are the parts of a hundred pages that are of each kind; the rest is
// incompressible.
const (
	zeroPages    = 30
	copiedPages  = 5
	textPages    = 25
	pointerPages = 25
)

// Fill fills p, a whole number of pages, with those from page number first on.
// It allocates next to nothing.
func Fill(p []byte, seed uint64, first int) {
	for i := 0; len(p) >= PageSize; i++ {
		fillPage(p[:PageSize], seed, uint64(first+i))
		p = p[PageSize:]
	}
}

func fillPage(p []byte, seed, page uint64) {
	r := rand.New(rand.NewPCG(seed, page))
	switch kind := r.IntN(100); {
	case kind < zeroPages:
		clear(p)
	case kind < zeroPages+copiedPages:
		fillText(p, rand.New(rand.NewPCG(seed, page%7)))
	case kind < zeroPages+copiedPages+textPages:
		fillText(p, r)
	case kind < zeroPages+copiedPages+textPages+pointerPages:
		fillPointers(p, r)
	default:
		for i := 0; i < len(p); i += 8 {
			binary.LittleEndian.PutUint64(p[i:], r.Uint64())
		}
	}
}

var words = []string{"kernel", "socket", "page", "the ", "return", "struct", "0x00007f", "error: ", "device", "\n", "guest", ", ", "lock", "queue", "=", "timer "}

func fillText(p []byte, r *rand.Rand) {
	line := p[:0]
	for len(line) < len(p) {
		w := words[r.IntN(len(words))]
		line = append(line, w[:min(len(w), len(p)-len(line))]...)
		if r.IntN(8) == 0 && len(line)+8 < len(p) {
			line = strconv.AppendInt(line, r.Int64N(1e6), 10)
		}
	}
}

// fillPointers makes what slabs and page tables look like: addresses that
// share their upper bytes, among small numbers and zeros.
func fillPointers(p []byte, r *rand.Rand) {
	base := 0xffff888000000000 | r.Uint64N(1<<30)
	for i := 0; i < len(p); i += 8 {
		v := uint64(0)
		switch r.IntN(4) {
		case 0:
			v = base + r.Uint64N(1<<16)&^7
		case 1:
			v = r.Uint64N(256)
		}
		binary.LittleEndian.PutUint64(p[i:], v)
	}
}
