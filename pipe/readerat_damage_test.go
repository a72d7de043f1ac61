package pipe

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// Proves: TR-62, TR-98
func TestReaderAtEveryCut(t *testing.T) {
	for name, s := range small(t) {
		for n := range len(s[0]) {
			if _, err := openAt(s[0][:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s cut at %d: %v", name, n, err)
			}
		}
		// The same for a source that gives less than it has.
		for n := range len(s[0]) {
			r, err := NewReaderAt(bytes.NewReader(s[0][:n]), int64(len(s[0])))
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s ends at %d: %v, %v", name, n, r, err)
			}
		}
	}
}

// Whichever bit is flipped: the stream is refused, or the frame with the bit is,
// or the bit does not matter to what is read. Never are wrong bytes given.
//
// Proves: TR-4, TR-98, TR-99
func TestReaderAtEveryBitFlip(t *testing.T) {
	for name, s := range small(t) {
		stream, payload := s[0], s[1]
		good := mustOpenAt(t, stream)
		opened, refused, harmless := 0, 0, 0
		for bit := range 8 * len(stream) {
			b := bytes.Clone(stream)
			b[bit/8] ^= 1 << (bit % 8)
			r, err := openAt(b)
			if err != nil {
				continue
			}
			opened++
			bad := 0
			for off := int64(0); off < good.Size(); {
				i, wire, at := good.index.find(off)
				end := at + int64(good.index.entries[i].Content)
				p := make([]byte, end-off)
				n, err := r.ReadAt(p, off)
				if !bytes.Equal(p[:n], payload[off:off+int64(n)]) || (err == nil) != (n == len(p)) {
					t.Fatalf("%s, bit %d: wrong bytes at %d, %v", name, bit, off, err)
				}
				off = end
				if err == nil {
					continue
				}
				bad++
				if at := int64(bit / 8); at < wire || at >= wire+int64(good.index.entries[i].Compressed) && at < good.index.wire {
					t.Errorf("%s, bit %d: not in the frame at %d, %v", name, bit, wire, err)
				}
			}
			closeAt(t, r)
			if bad > 0 {
				refused++
			} else {
				harmless++
			}
		}
		closeAt(t, good)
		t.Logf("%s: %d bits, %d refused at once, %d in their frame, %d harmless", name, 8*len(stream), 8*len(stream)-opened, refused, harmless)
		if opened == 0 || refused == 0 {
			t.Errorf("%s: nothing was refused at reading", name)
		}
	}
}

// Damage in one frame leaves the others readable.
func TestReaderAtAroundDamage(t *testing.T) {
	stream := wellFormed(t)
	at := bytes.Index(stream, data(t, two)) + 20
	stream[at] ^= 1
	r := mustOpenAt(t, stream)
	p := make([]byte, len(one+two+three))
	n, err := r.ReadAt(p, 0)
	var e *frame.Error
	if !errors.As(err, &e) || n != len(one) || e.Index != 3 || e.Offset >= int64(at) || e.Offset < int64(at-20) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n, err := r.ReadAt(p[:len(three)], int64(len(one+two))); err != nil || string(p[:n]) != three {
		t.Errorf("behind it: %q, %v", p[:n], err)
	}
	closeAt(t, r)
}

// forge makes a stream whose seek table says what change makes of it.
func forge(frames [][]byte, change func([]zst.Entry) []zst.Entry) []byte {
	var entries []zst.Entry
	for b := table(frames)[zst.SkippableHeaderSize:]; len(b) > zst.FooterSize; b = b[zst.EntrySize:] {
		entries = append(entries, zst.ParseEntry(b))
	}
	var t zst.Table
	for _, e := range change(entries) {
		t.Add(e)
	}
	return append(bytes.Join(frames, nil), t.Finish()...)
}

// lyingTable is a seek table that is not that of its frames.
type lyingTable struct {
	name   string
	change func([]zst.Entry) []zst.Entry // of the table of: header, one, seal, two, three, final seal
	rule   frame.Rule
	open   bool // only reading finds out
}

func lyingTables() []lyingTable {
	set := func(i int, c func(*zst.Entry)) func([]zst.Entry) []zst.Entry {
		return func(e []zst.Entry) []zst.Entry { c(&e[i]); return e }
	}
	move := func(from, to int, wire, content uint32) func([]zst.Entry) []zst.Entry {
		return func(e []zst.Entry) []zst.Entry {
			e[from].Compressed, e[to].Compressed = e[from].Compressed-wire, e[to].Compressed+wire
			e[from].Content, e[to].Content = e[from].Content-content, e[to].Content+content
			return e
		}
	}
	empty := zst.EmptyEntry(0).Checksum
	return []lyingTable{
		{"header", set(0, func(e *zst.Entry) { e.Compressed++ }), "TR-98", false},
		{"header with content", set(0, func(e *zst.Entry) { e.Content = 5 }), "TR-98", false},
		{"first missing", func(e []zst.Entry) []zst.Entry { return e[1:] }, "TR-98", false},
		{"last missing", func(e []zst.Entry) []zst.Entry { return e[:5] }, "TR-98", false},
		{"all but the header missing", func(e []zst.Entry) []zst.Entry { return e[:1] }, "TR-98", false},
		{"none", func(e []zst.Entry) []zst.Entry { return nil }, "TR-98", false},
		{"one more", func(e []zst.Entry) []zst.Entry { return append(e, e[5]) }, "TR-98", false},
		{"size 0", set(1, func(e *zst.Entry) { e.Compressed = 0 }), "TR-98", false},
		{"size small", set(1, func(e *zst.Entry) { e.Compressed = minDataFrame - 1 }), "TR-98", false},
		{"largest size", set(1, func(e *zst.Entry) { e.Compressed = 1<<32 - 1 }), "TR-98", false},
		{"sizes wrap", func(e []zst.Entry) []zst.Entry {
			e[1].Compressed += 1 << 31
			e[3].Compressed += 1 << 31
			return e
		}, "TR-98", false},
		{"size over MaxFrameSize", set(1, func(e *zst.Entry) { e.Compressed = uint32(zst.MaxFrameSize(len(one)) + 1) }), "TR-98", false},
		{"largest content", set(1, func(e *zst.Entry) { e.Content = 1<<32 - 1 }), "TR-98", false},
		{"content over the chunk", set(1, func(e *zst.Entry) { e.Content = testChunk + 1 }), "TR-98", false},
		{"contents wrap", func(e []zst.Entry) []zst.Entry {
			e[1].Content += 1 << 31
			e[3].Content += 1 << 31
			return e
		}, "TR-98", false},
		{"content off by one", set(1, func(e *zst.Entry) { e.Content++ }), "TR-32", false},
		{"data as a seal", set(1, func(e *zst.Entry) { e.Content = 0 }), "TR-98", false},
		{"seal's checksum", set(2, func(e *zst.Entry) { e.Checksum++ }), "TR-98", false},
		{"small seal", move(2, 3, 20, 0), "TR-98", false},
		{"seal as data", func(e []zst.Entry) []zst.Entry {
			e[2].Content, e[3] = e[3].Content, zst.Entry{Compressed: e[3].Compressed, Checksum: empty}
			return e
		}, "TR-98", false},
		{"data last", func(e []zst.Entry) []zst.Entry {
			e[5].Content, e[4] = e[4].Content, zst.Entry{Compressed: e[4].Compressed, Checksum: empty}
			return e
		}, "TR-98", false},
		{"final seal elsewhere", move(5, 4, 1, 0), "TR-98", false},
		{"a place before", move(1, 3, 1, 0), "TR-99", true},
		{"a place behind", move(3, 1, 1, 0), "TR-99", true},
		{"content moved", move(4, 1, 0, 1), "TR-99", true},
		{"content moved on", move(1, 4, 0, 1), "TR-99", true},
		{"checksum", set(1, func(e *zst.Entry) { e.Checksum++ }), "TR-99", true},
		{"swapped", func(e []zst.Entry) []zst.Entry { e[3], e[4] = e[4], e[3]; return e }, "TR-99", true},
	}
}

// Tables that lie are found out: at once, or when a frame is read that is not
// what they say. (Two entries that lie about their contents, and make up for each
// other, shift what is between them, and that alone cannot be seen there.)
//
// Proves: TR-32, TR-98, TR-99
func TestReaderAtRefusesTablesThatLie(t *testing.T) {
	frames := [][]byte{header(), data(t, one), seal(false, one), data(t, two), data(t, three), seal(true, one, two, three)}
	for _, c := range lyingTables() {
		r, err := openAt(forge(frames, c.change))
		if !c.open || err != nil {
			if !errors.Is(err, frame.ErrCorrupt) || c.open {
				t.Errorf("%s: %v", c.name, err)
			}
			wantRule(t, c.name, err, c.rule, frame.ErrCorrupt)
			continue
		}
		readBad(t, c.name, r, c.rule)
	}
}

// readBad reads all of r in steps: right bytes or errors, one of that rule.
func readBad(t *testing.T, name string, r *ReaderAt, rule frame.Rule) {
	t.Helper()
	var found error
	for off := range r.Size() {
		p := make([]byte, 1)
		if n, err := r.ReadAt(p, off); err != nil {
			if found == nil || rule == "TR-99" && !errorHas(found, rule) {
				found = err
			}
		} else if n != 1 || p[0] != (one + two + three)[off] && !strings.HasPrefix(name, "content moved") {
			t.Fatalf("%s: wrong byte at %d", name, off)
		}
	}
	wantRule(t, name, found, rule, frame.ErrCorrupt)
	closeAt(t, r)
}

func errorHas(err error, rule frame.Rule) bool {
	var e *frame.Error
	return errors.As(err, &e) && e.Rule == rule
}

// Frames that may not stand in the stream are refused when they are read, also
// where the table agrees with them.
//
// Proves: TR-4, TR-20, TR-23, TR-24, TR-26, TR-28, TR-99
func TestReaderAtRefusesFrames(t *testing.T) {
	h, l := ctxpipeHeader()
	sum := data(t, one)
	sum[len(sum)-1] ^= 1
	block := fastFrameFor(one)
	block[50] ^= 1
	for _, c := range []struct {
		name string
		head [][]byte
		bad  []byte
		rule frame.Rule
	}{
		{"checksum", [][]byte{header()}, sum, "TR-24"},
		{"fast frame on the wire zstd", [][]byte{header()}, fastFrameFor(one), "TR-26"},
		{"fast frame's check", [][]byte{h, l}, block, "TR-4"},
		{"fast frame's digest", [][]byte{h, l}, fastFrameOf(one, one[:len(one)-1]+"?"), "TR-28"},
		{"window", [][]byte{header()}, streamed(t, []byte(one)), "TR-22"},
		{"seal where there is content", [][]byte{header()}, seal(false, one), "TR-99"},
		{"fast frame of a mark alone", [][]byte{h, l}, fastFrameFor(one)[:zst.SkippableHeaderSize+8], "TR-99"},
		{"fast frame without a block", [][]byte{h, l}, fastFrameFor(one)[:zst.SkippableHeaderSize+zst.FastBlockOffset-1], "TR-99"},
		{"fast frame that is cut", [][]byte{h, l}, fastFrameFor(one)[:zst.SkippableHeaderSize+zst.FastBlockOffset], "TR-99"},
		{"foreign skippable", [][]byte{header()}, skippable(0x184D2A50, "some of somebody else's bytes"), "TR-60"},
		{"no frame", [][]byte{header()}, []byte("thirty bytes that are no frame"), "TR-60"},
	} {
		frames := append(slices.Clone(c.head), c.bad, seal(true, one))
		stream := forge(frames, func(e []zst.Entry) []zst.Entry {
			e[len(c.head)] = zst.Entry{Compressed: uint32(len(c.bad)), Content: uint32(len(one)), Checksum: e[len(c.head)].Checksum}
			if c.name == "checksum" {
				e[len(c.head)] = zst.DataEntry(c.bad, len(one))
			}
			return e
		})
		r, err := openAt(stream)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		n, err := r.ReadAt(make([]byte, 1), 0)
		wantRule(t, c.name, err, c.rule, frame.ErrCorrupt)
		if n != 0 {
			t.Errorf("%s: a byte came out", c.name)
		}
		closeAt(t, r)
	}
}

// The seal before the table has to be final, also where the table agrees with it.
//
// Proves: TR-98
func TestReaderAtRefusesAnEndThatIsNone(t *testing.T) {
	_, err := openAt(join(header(), data(t, one), seal(false, one)))
	wantRule(t, "not final", err, "TR-98", frame.ErrCorrupt)
	got, _, err := restore(t, join(header(), data(t, one), seal(false, one)))
	if err == nil || len(got) > 0 {
		t.Errorf("restored in full: %d bytes, %v", len(got), err)
	}
}

// tiring is a source that gives up after so many calls.
type tiring struct {
	r    io.ReaderAt
	left int
}

func (f *tiring) ReadAt(p []byte, off int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errSource
	}
	return f.r.ReadAt(p, off)
}

// A source that fails says so itself, whatever was about to be read, and nothing comes
// out that was not read.
func TestReaderAtSourceGivesUp(t *testing.T) {
	stream := wellFormed(t)
	opened := 0
	for n := range 20 {
		src := &tiring{bytes.NewReader(stream), n}
		r, err := NewReaderAt(src, int64(len(stream)))
		if err != nil {
			if !errors.Is(err, errSource) || opened > 0 {
				t.Errorf("after %d calls: %v", n, err)
			}
			continue
		}
		opened++
		p := make([]byte, len(one+two+three))
		got, err := r.ReadAt(p, 0)
		if src.left < 0 && !errors.Is(err, errSource) || string(p[:got]) != (one + two + three)[:got] || (err == nil) != (got == len(p)) {
			t.Errorf("after %d calls: %d bytes, %v", n, got, err)
		}
		closeAt(t, r)
	}
	// Header, footer, the table's header, entries, seal: none of them may be taken as read.
	if failed := 20 - opened; failed < 5 || opened == 0 {
		t.Errorf("opened in %d of 20 tries", opened)
	}
}

// wide is a source that is as large as it is told, and zero but for some parts.
type wide map[int64][]byte

func (w wide) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	for at, b := range w {
		if lo, hi := max(off, at), min(off+int64(len(p)), at+int64(len(b))); lo < hi {
			copy(p[lo-off:], b[lo-at:hi-at])
		}
	}
	return len(p), nil
}

// A footer that claims much gets nothing before the entries are seen.
//
// Proves: TR-80, TR-98
func TestReaderAtBombs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, c := range []struct {
		name    string
		size    int64
		entries uint32
		rule    frame.Rule
		is      error
	}{
		{"small input", 1000, zst.MaxFrames, "TR-98", frame.ErrCorrupt},
		{"all bits", 1 << 40, 1<<32 - 1, "TR-80", frame.ErrTooLarge},
		{"one too many", 1 << 40, zst.MaxFrames + 1, "TR-80", frame.ErrTooLarge},
		{"room for it", 1 << 40, zst.MaxFrames, "TR-98", frame.ErrCorrupt},
		{"largest input", 1<<63 - 1, zst.MaxFrames, "TR-98", frame.ErrCorrupt},
	} {
		size := zst.SeekTableSize(int64(c.entries))
		first := zst.AppendEntry(zst.AppendSkippableHeader(nil, zst.MagicSeekTable, uint32(size)), zst.EmptyEntry(len(header())))
		w := wide{0: header(), c.size - zst.FooterSize: zst.AppendFooter(nil, c.entries), c.size - size - zst.SkippableHeaderSize: first}
		var err error
		n := allocated(func() { _, err = NewReaderAt(w, c.size) })
		wantRule(t, c.name, err, c.rule, c.is)
		if n > 2*inputSize {
			t.Errorf("%s: %d bytes allocated", c.name, n)
		}
	}
}
