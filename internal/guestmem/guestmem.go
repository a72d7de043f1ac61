// Package guestmem makes pages that look like a guest's memory, the same ones
// for the same seed: untouched pages, copies, text, machine code, tables of
// pointers, and pages that nothing can compress.
package guestmem

import (
	"encoding/binary"
	"math/rand/v2"
)

// PageSize is the size of a page in bytes.
const PageSize = 4096

// Fill fills p, a whole number of pages, with those from page number first on,
// in the [Usual] mix. It allocates next to nothing.
func Fill(p []byte, seed uint64, first int) { Usual.Fill(p, seed, first) }

// Fill fills p, a whole number of pages, with those from page number first on.
// What is in a page depends on the mix, the seed and its number alone.
func (m Mix) Fill(p []byte, seed uint64, first int) {
	for i := 0; len(p) >= PageSize; i++ {
		m.fillPage(p[:PageSize], seed, uint64(first+i))
		p = p[PageSize:]
	}
}

type kind int

const (
	zero kind = iota
	copied
	text
	code
	pointers
	random
)

// stretch is how many neighbours are likely to be of one kind: memory is used in
// runs, not page by page.
const stretch = 16

// kindOf gives the kind of a page: that of its stretch, or for one page in four one
// of its own.
func (m Mix) kindOf(seed, page uint64) kind {
	r := rand.New(rand.NewPCG(seed, page^1<<63))
	if r.IntN(4) != 0 {
		r = rand.New(rand.NewPCG(seed, page/stretch^3<<62))
	}
	n := r.IntN(100)
	for i, s := range shares {
		if n -= *s.of(&m); n < 0 {
			return kind(i)
		}
	}
	return random
}

func (m Mix) fillPage(p []byte, seed, page uint64) {
	k := m.kindOf(seed, page)
	if k == copied {
		page, k = m.original(seed, page)
	}
	r := rand.New(rand.NewPCG(seed, page))
	switch k {
	case zero:
		clear(p)
	case text:
		fillText(p, r)
	case code:
		fillCode(p, r)
	case pointers:
		fillPointers(p, r)
	default:
		for i := 0; i < len(p); i += 8 {
			binary.LittleEndian.PutUint64(p[i:], r.Uint64())
		}
	}
}

// original gives the earlier page that a copied one is equal to, and its kind. Where
// a few guesses find none that has contents of its own, it is one of seven texts.
func (m Mix) original(seed, page uint64) (uint64, kind) {
	r := rand.New(rand.NewPCG(seed, page))
	for range 8 {
		if page == 0 {
			break
		}
		earlier := r.Uint64N(page)
		if k := m.kindOf(seed, earlier); k != zero && k != copied {
			return earlier, k
		}
	}
	return 1<<61 + page%7, text
}

// Touch changes a page as a guest does that goes on running while it is copied:
// up to one byte in twenty, in a few places, or nothing at all. The same page,
// number and round give the same change.
func Touch(p []byte, seed, page, round uint64) {
	r := rand.New(rand.NewPCG(seed^round<<32, page))
	if r.IntN(3) == 0 {
		return
	}
	for left := len(p) / 20; left > 0; {
		n := min(left, 8+r.IntN(64))
		at := r.IntN(len(p) - n)
		for i := range n {
			p[at+i] += byte(1 + r.IntN(255))
		}
		left -= n * (1 + r.IntN(4))
	}
}
