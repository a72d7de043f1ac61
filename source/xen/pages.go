package xen

import (
	"encoding/binary"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
)

// pageState is what is kept of a PAGE_DATA record, and of the pass over memory
// that it belongs to. A pass goes from low frame numbers to high ones; a live
// migration makes several.
type pageState struct {
	inside bool   // a PAGE_DATA record
	count  uint32 // of entries
	done   int    // of them
	data   int    // entries whose page is in the stream
	told   uint8  // oddities of entries that were reported for this record

	last   uint64 // frame number of the entry before
	passed bool   // there is one
	memory uint64 // pages of this pass that get memory

	entries []libxc.Entry // those with data, while somebody wants it
	at      int64         // where the pages begin
}

func (w *Walker) pageDataHeader(b []byte) error {
	h, err := libxc.ParsePageDataHeader(b)
	if err != nil {
		return err
	}
	s := &w.pages
	s.count, s.done, s.data, s.told, s.entries = h.Count, 0, 0, 0, s.entries[:0]
	if h.Reserved != 0 {
		if err := w.verify(libxc.RuleReserved, "reserved field", 0, fmt.Sprintf("%#x", h.Reserved)); err != nil {
			return err
		}
	}
	if h.Count == 0 || h.Length(0) > uint64(w.rec.Length) {
		return w.load(libxc.RulePageLength, "number of entries", fmt.Sprintf("1 to %d", (w.rec.Length-libxc.PageDataHeaderSize)/libxc.EntrySize), h.Count)
	}
	w.then = func(w *Walker) error {
		w.items(libxc.EntrySize, libxc.EntrySize*int64(w.pages.count), (*Walker).pageEntries, (*Walker).pageContents)
		return nil
	}
	return nil
}

// Properties of a page type in a table of 16: a bit each.
const (
	hasData   = 1
	hasMemory = 2
	noType    = 4
)

var pageTypes = func() (t [16]uint8) {
	for i := range t {
		p := libxc.PageType(i)
		if p.HasData() {
			t[i] |= hasData
		}
		if p.HasMemory() {
			t[i] |= hasMemory
		}
		if !p.Valid() {
			t[i] |= noType
		}
	}
	return t
}()

// What can be wrong with an entry, a bit each. The first two are load rules.
const (
	oddType = 1 << iota
	oddPFN
	oddBits
	oddOrder
)

// pageEntries judges entries in bulk: it adds them up, and looks for the one
// that is wrong only if there is one.
func (w *Walker) pageEntries(b []byte) error {
	s, most := &w.pages, w.mostPFN()
	first, next := s.done, s.last+1
	switch {
	case s.done > 0:
	case s.passed && libxc.Entries(b).At(0).PFN() < next:
		s.memory, next = 0, 0 // a new pass begins
	default:
		next = 0
	}
	from := next
	var data, memory uint64
	var odd uint8
	for i := 0; i+libxc.EntrySize <= len(b); i += libxc.EntrySize {
		e := libxc.Entry(binary.LittleEndian.Uint64(b[i:]))
		t, pfn := pageTypes[e>>60], e.PFN()
		data += uint64(t & hasData)
		memory += uint64(t & hasMemory)
		odd |= oddities(e, most, next)
		next = pfn + 1
	}
	if odd&w.cares() != 0 {
		if err := w.findOdd(b, most, from); err != nil {
			return err
		}
	}
	s.done += len(b) / libxc.EntrySize
	s.data += int(data)
	s.memory += memory / hasMemory
	s.last, s.passed = next-1, true
	w.keepEntries(b)
	if w.visit.Entries != nil {
		w.visit.Entries(w.record(), first, b)
	}
	return nil
}

// oddities gives what is wrong with an entry, where frame numbers from next to
// most are right.
func oddities(e libxc.Entry, most, next uint64) (odd uint8) {
	odd = pageTypes[e>>60] / noType * oddType
	if e.PFN() > most {
		odd |= oddPFN
	}
	if e&libxc.ReservedBits != 0 {
		odd |= oddBits
	}
	if e.PFN() < next {
		odd |= oddOrder
	}
	return odd
}

// cares gives the oddities that are yet to be reported for this record.
func (w *Walker) cares() uint8 {
	if w.strict {
		return (oddType | oddPFN | oddBits | oddOrder) &^ w.pages.told
	}
	return (oddType | oddPFN) &^ w.pages.told
}

// mostPFN is the largest frame number that the guest can have.
func (w *Walker) mostPFN() uint64 {
	if w.libxc.guest == libxc.PV && w.libxc.order.seen[libxc.P2MFrames] {
		return min(w.libxc.maxPFN, w.maxPFN)
	}
	return w.maxPFN
}

// findOdd reports the entries of b that break a rule; each rule once a record.
func (w *Walker) findOdd(b []byte, most, next uint64) error {
	for i := 0; i < len(b); i += libxc.EntrySize {
		e := libxc.Entries(b[i:]).At(0)
		if odd := oddities(e, most, next) & w.cares(); odd != 0 {
			if err := w.reportOdd(e, odd, most, next, i); err != nil {
				return err
			}
		}
		next = e.PFN() + 1
	}
	return nil
}

// reportOdd reports what is wrong with the entry at byte i of those at hand.
func (w *Walker) reportOdd(e libxc.Entry, odd uint8, most, next uint64, i int) error {
	number := w.pages.done + i/libxc.EntrySize
	w.pages.told |= odd
	say := func(bit uint8, rule frame.Rule, what string, wanted, got any) error {
		if odd&bit == 0 {
			return nil
		}
		err := w.bad(rule, frame.ErrCorrupt, fmt.Sprintf("%s of entry %d", what, number), wanted, got)
		err.Offset = w.off + int64(i)
		return w.report(err)
	}
	if err := say(oddType, libxc.RulePageType, "type", "0 to 4, or 9 to 15", uint8(e.Type())); err != nil {
		return err
	}
	if err := say(oddPFN, libxc.RulePFN, "frame number", fmt.Sprintf("at most %d", most), e.PFN()); err != nil {
		return err
	}
	if err := say(oddBits, libxc.RuleEntryBits, "reserved bits", 0, fmt.Sprintf("%#x", uint64(e&libxc.ReservedBits)>>52)); err != nil {
		return err
	}
	return say(oddOrder, libxc.RulePFNOrder, "frame number", fmt.Sprintf("at least %d", next), e.PFN())
}

// keepEntries remembers whose pages will come, if anyone wants their contents: no
// more than the record has room for.
func (w *Walker) keepEntries(b []byte) {
	if w.visit.PageData == nil {
		return
	}
	s := &w.pages
	room := int((w.rec.Length - libxc.PageDataHeaderSize) / libxc.PageSize)
	for es := libxc.Entries(b); len(es) > 0 && len(s.entries) < room; es = es[libxc.EntrySize:] {
		if e := es.At(0); e.Type().HasData() {
			s.entries = append(s.entries, e)
		}
	}
}

// pageContents is called behind the entries.
func (w *Walker) pageContents() error {
	s := &w.pages
	s.at = w.off
	h := libxc.PageDataHeader{Count: s.count}
	if want := h.Length(uint64(s.data)); want != uint64(w.rec.Length) {
		if err := w.load(libxc.RulePageLength, fmt.Sprintf("length for %d entries and %d pages", s.count, s.data), want, w.rec.Length); err != nil {
			return err
		}
		return w.restOfBody()
	}
	if err := w.judgeMemory(); err != nil {
		return err
	}
	if w.visit.Pages != nil {
		w.visit.Pages(Grid{Record: w.record(), Offset: w.off, Pages: s.data})
	}
	if w.visit.PageData == nil {
		return w.restOfBody()
	}
	w.bytes(libxc.PageSize*int64(s.data), (*Walker).pagePieces, (*Walker).endRecord)
	return nil
}

// slackPages is how many pages more than configured a pass may carry: those of
// firmware, video and special pages, with much to spare.
const slackPages = 16 << 20 / libxc.PageSize

// judgeMemory holds the pages of a pass against the configured memory.
func (w *Walker) judgeMemory() error {
	d := w.xl.domain
	if !w.strict || d.MaxMemKB == 0 {
		return nil
	}
	most := max(d.MaxMemKB, d.TargetMemKB)/4 + d.VideoMemKB/4 + slackPages
	if w.pages.memory <= most {
		return nil
	}
	n := w.pages.memory
	w.pages.memory = 0 // until as many have come again
	return w.verify(libxc.RulePageCount, "pages with memory in one pass", fmt.Sprintf("at most %d, by the configuration", most), n)
}

// pagePieces gives contents to the visitor, page by page.
func (w *Walker) pagePieces(b []byte) error {
	s := &w.pages
	at := w.off - s.at
	for len(b) > 0 {
		within := int(at % libxc.PageSize)
		n := min(len(b), libxc.PageSize-within)
		w.visit.PageData(PagePiece{
			Entry: s.entries[at/libxc.PageSize], Offset: s.at + at - int64(within), At: within, Data: b[:n:n],
		})
		b, at = b[n:], at+int64(n)
	}
	return nil
}
