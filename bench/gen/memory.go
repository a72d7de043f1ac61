package gen

import (
	"bufio"
	"math/rand/v2"

	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/internal/guestmem"
)

// batchPages is how many pages Xen's saver puts into a record.
const batchPages = 1024

// batch is the PAGE_DATA record that is being made.
type batch struct {
	guest   Guest
	w       *bufio.Writer
	entries []libxc.Entry
	pages   []byte
	record  []byte
}

// pass sends the memory once, from low frames to high ones: all of it, or in later
// passes what has changed.
func (b *batch) pass(pass int) error {
	for page := range b.guest.pages() {
		if pass > 0 && !b.guest.dirty(page, uint64(pass)) {
			continue
		}
		b.add(page, uint64(pass))
		if len(b.entries) == batchPages {
			if err := b.flush(); err != nil {
				return err
			}
		}
	}
	return b.flush()
}

// run is how many neighbours change together.
const run = 8

// dirty says whether a page is sent again: in the second pass one in twelve, in
// each later one fewer. There is always one, so that each pass is seen.
func (g Guest) dirty(page, pass uint64) bool {
	r := rand.New(rand.NewPCG(g.Seed^pass<<48, page/run))
	return page == pass%g.pages() || r.Uint64N(6+6*pass) == 0
}

// add adds a page as it is in that pass.
func (b *batch) add(page, pass uint64) {
	b.entries = append(b.entries, libxc.NewEntry(page, libxc.NoTab))
	n := len(b.pages)
	if cap(b.pages) < n+libxc.PageSize {
		grown := make([]byte, n, batchPages*libxc.PageSize)
		copy(grown, b.pages)
		b.pages = grown
	}
	b.pages = b.pages[:n+libxc.PageSize]
	p := b.pages[n:]
	b.guest.Mix.Fill(p, b.guest.Seed, int(page))
	for round := uint64(1); round <= pass; round++ {
		if b.guest.dirty(page, round) {
			guestmem.Touch(p, b.guest.Seed, page, round)
		}
	}
}

// flush writes the record.
func (b *batch) flush() error {
	if len(b.entries) == 0 {
		return nil
	}
	b.record = libxc.AppendPageData(b.record[:0], b.entries, b.pages)
	b.entries, b.pages = b.entries[:0], b.pages[:0]
	_, err := b.w.Write(b.record)
	return err
}
