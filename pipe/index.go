package pipe

import (
	"sort"

	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// markEvery is how many entries of an index share a mark. Looking for a place
// takes a binary search over the marks and a walk over so many entries.
const markEvery = 64

// index is a seek table that was found good, and finds the frame with a byte of
// the payload.
type index struct {
	entries       []zst.Entry
	marks         []mark
	wire, content int64 // of all entries
	frames        int64 // those with content
}

// mark is where the frame of every markEvery-th entry begins, in the stream and
// in the payload.
type mark struct{ wire, content int64 }

// bytesPerEntry is what an index needs for each entry, marks and their share
// included.
const bytesPerEntry = zst.EntrySize + 1

// add takes the next entry.
func (x *index) add(e zst.Entry) {
	if len(x.entries)%markEvery == 0 {
		x.marks = append(x.marks, mark{x.wire, x.content})
	}
	x.entries = append(x.entries, e)
	x.wire += int64(e.Compressed)
	x.content += int64(e.Content)
	if e.Content > 0 {
		x.frames++
	}
}

// find gives the frame with the payload's byte at off, which has to be there:
// its number, and where it begins in the stream and in the payload.
func (x *index) find(off int64) (i int, wire, content int64) {
	// The last mark that does not lie behind off: entries without content may
	// give several marks the same place.
	m := sort.Search(len(x.marks), func(i int) bool { return x.marks[i].content > off }) - 1
	i, wire, content = m*markEvery, x.marks[m].wire, x.marks[m].content
	for content+int64(x.entries[i].Content) <= off {
		wire += int64(x.entries[i].Compressed)
		content += int64(x.entries[i].Content)
		i++
	}
	return i, wire, content
}

// room makes room for more entries, most at the most in all. It grows as they
// come, never at once to what a footer merely claims.
func (x *index) room(most int) {
	if len(x.entries) < cap(x.entries) {
		return
	}
	more := make([]zst.Entry, len(x.entries), min(most, max(4096, 2*cap(x.entries))))
	copy(more, x.entries)
	x.entries = more
}
