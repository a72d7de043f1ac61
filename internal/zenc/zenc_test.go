package zenc

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/klauspost/compress/zstd"
)

var efforts = map[string]Effort{"fast": Fast, "double": Double, "wide": Wide, "optimal": Optimal}

// frameOf gives a frame of those blocks: single segment, content size in four
// bytes, no checksum.
func frameOf(blocks []byte, size int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0xFD2FB528)
	b = binary.LittleEndian.AppendUint32(append(b, 2<<6|1<<5), uint32(size))
	return append(b, blocks...)
}

var decoder, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxContent))

// check demands that what e makes of content decodes to it.
func check(t testing.TB, e *Encoder, effort Effort, content []byte) (size int) {
	t.Helper()
	blocks := e.Append([]byte("before"), effort, content)[len("before"):]
	if len(blocks) > MaxSize(len(content)) {
		t.Fatalf("%d bytes became %d, more than %d", len(content), len(blocks), MaxSize(len(content)))
	}
	back, err := decoder.DecodeAll(frameOf(blocks, len(content)), nil)
	if err != nil {
		t.Fatalf("%d bytes: %v", len(content), err)
	}
	if !bytes.Equal(back, content) {
		t.Fatalf("%d bytes came back different", len(content))
	}
	return len(blocks)
}

// contents are of every kind that blocks are coded in another way for.
func contents() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 300<<10)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	few := make([]byte, 300<<10) // literals that pack and hardly match
	for i := range few {
		few[i] = byte(r.IntN(3) * r.IntN(40))
	}
	pages := make([]byte, 0, 2<<20) // pages of several kinds, some of them copies
	for len(pages) < 2<<20-5000 {
		switch k := r.IntN(5); {
		case k == 0:
			pages = append(pages, make([]byte, 4096)...)
		case k == 1:
			at := r.IntN(len(random) - 4096)
			pages = append(pages, random[at:at+4096]...)
		case k == 2:
			for i := range uint64(512) {
				pages = binary.LittleEndian.AppendUint64(pages, 0xffff888000000000|uint64(r.IntN(1<<20))<<6|i&1)
			}
		case k == 3 && len(pages) > 4096:
			at := r.IntN(len(pages) - 4096)
			pages = append(pages, pages[at:at+4096]...)
		default:
			at := r.IntN(len(few) - 4096)
			pages = append(pages, few[at:at+4096]...)
		}
		pages = append(pages, random[:r.IntN(24)]...)
	}
	return map[string][]byte{
		"zeros":       make([]byte, 3*maxBlock+5),
		"random":      random,
		"few":         few,
		"pages":       pages,
		"text":        bytes.Repeat([]byte("what a page is full of, "), 20000),
		"mixed":       append(append(bytes.Repeat([]byte{7}, maxBlock+1), random...), few...),
		"far":         append(append(bytes.Clone(random[:200000]), make([]byte, 5<<20)...), random[:200000]...),
		"one seq":     append(bytes.Clone(random[:1000]), random[:500]...),
		"one byte":    {1},
		"a byte more": append(make([]byte, 2*maxBlock), 1),
	}
}

func TestContentComesBack(t *testing.T) {
	for name, effort := range efforts {
		t.Run(name, func(t *testing.T) {
			e := New(effort)
			for kind, content := range contents() {
				size := check(t, e, effort, content)
				t.Logf("%s: %d bytes in %d", kind, len(content), size)
			}
		})
	}
}

// Sizes around everything that has a limit, and contents cut anywhere.
func TestEverySize(t *testing.T) {
	all := contents()
	for name, effort := range efforts {
		t.Run(name, func(t *testing.T) {
			e := New(effort)
			for n := 1; n < 600; n++ {
				check(t, e, effort, all["pages"][5000:5000+n])
				check(t, e, effort, all["text"][:n])
				check(t, e, effort, all["zeros"][:n])
			}
			for _, block := range []int{maxBlock / 4, maxBlock, 2 * maxBlock} {
				for d := -20; d <= 20; d++ {
					check(t, e, effort, all["pages"][:block+d])
					check(t, e, effort, all["zeros"][:block+d])
				}
			}
		})
	}
}

// An Encoder must not remember an earlier frame, whatever effort that was worth, or what a reader
// gets would hang on frames that it may not have.
func TestFramesAreIndependent(t *testing.T) {
	all := contents()
	used := New(Optimal)
	for kind, content := range all {
		for name, effort := range efforts {
			first := New(effort).Append(nil, effort, content)
			for range 2 {
				if again := used.Append(nil, effort, content); !bytes.Equal(first, again) {
					t.Errorf("%s, %s: differs in an Encoder that was used before", name, kind)
				}
			}
		}
	}
}

func TestCompresses(t *testing.T) {
	all := contents()
	for name, effort := range efforts {
		e := New(effort)
		for kind, most := range map[string]int{"zeros": 250, "text": 400, "pages": 1200 << 10, "far": 202 << 10, "few": 210 << 10, "random": 310 << 10} {
			if n := len(e.Append(nil, effort, all[kind])); n > most {
				t.Errorf("%s: %s takes %d bytes, more than %d", name, kind, n, most)
			}
		}
	}
}

// Records that differ in a few bytes each, as a kernel's are, are what Optimal is for: a short match
// at an offset that comes again is better than a longer one that is new.
func TestOptimalPacksRecords(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var records []byte
	for range 6000 {
		for field := range uint64(8) {
			v := field * 0x0101010101010101
			if r.IntN(3) > 0 {
				v ^= uint64(r.IntN(1<<20)) << (8 * r.IntN(5))
			}
			records = binary.LittleEndian.AppendUint64(records, v)
		}
	}
	wide, optimal := check(t, New(Wide), Wide, records), check(t, New(Optimal), Optimal, records)
	t.Logf("%d bytes: %d wide, %d optimal", len(records), wide, optimal)
	if optimal > wide*92/100 {
		t.Errorf("%d bytes: %d wide, %d optimal", len(records), wide, optimal)
	}
}

func TestNoAllocations(t *testing.T) {
	content := contents()["pages"]
	dst := make([]byte, 0, MaxSize(len(content)))
	for name, effort := range efforts {
		e := New(effort)
		e.Append(dst, effort, content)
		if n := testing.AllocsPerRun(5, func() { e.Append(dst, effort, content) }); n > 0 {
			t.Errorf("%s: %v allocations for a frame", name, n)
		}
	}
}

// Without room for what Append asks for, dst moves, and nothing else happens.
func TestShortOfRoom(t *testing.T) {
	content := contents()["pages"][:100000]
	for _, room := range []int{0, 1, 100, 50000} {
		e := New(Fast)
		if got := e.Append(make([]byte, 0, room), Fast, content); !bytes.Equal(got, e.Append(nil, Fast, content)) {
			t.Errorf("with room for %d bytes: other blocks", room)
		}
	}
}

func TestContentOutOfRange(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an empty content was taken")
		}
	}()
	New(Fast).Append(nil, Fast, nil)
}

// The zstd command must agree with klauspost's decoder.
func TestZstdAgrees(t *testing.T) {
	if _, err := exec.LookPath("zstd"); err != nil {
		t.Skip("no zstd command")
	}
	for name, effort := range efforts {
		var stream, want []byte
		e := New(effort)
		for _, content := range contents() {
			stream = append(stream, frameOf(e.Append(nil, effort, content), len(content))...)
			want = append(want, content...)
		}
		cmd := exec.Command("zstd", "-dc")
		cmd.Stdin = bytes.NewReader(stream)
		got, err := cmd.Output()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: zstd gives %d of %d bytes: %v", name, len(got), len(want), err)
		}
	}
}

// The shares of a table add up to it, whatever occurs how often.
func TestNormalize(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		var counts codeCounts
		total, kinds := 0, 2+r.IntN(51)
		for i := range kinds {
			if n := r.IntN(3); n > 0 || i == 0 || i == kinds-1 {
				counts[i] = 1 + uint32(r.IntN(1<<r.IntN(11)))
				total += int(counts[i])
			}
		}
		log := tableLogFor(total, kinds, maxLitLog)
		var got shares
		normalize(&got, counts[:kinds], total, log)
		sum := 0
		for i, n := range got[:kinds] {
			sum += int(n)
			if (n == 0) != (counts[i] == 0) || int(n) > 1<<log {
				t.Fatalf("%v of log %d: symbol %d has %d states", counts[:kinds], log, i, n)
			}
		}
		if sum != 1<<log {
			t.Fatalf("%v of log %d: %d states", counts[:kinds], log, sum)
		}
	}
}

func FuzzContentComesBack(f *testing.F) {
	for _, content := range contents() {
		f.Add(content[:min(len(content), 3000)], uint16(40), uint16(900))
	}
	e := New(Optimal)
	// The content is repeated, shifted and cut, for matches over far distances and
	// several blocks.
	f.Fuzz(func(t *testing.T, seed []byte, times, cut uint16) {
		var content []byte
		for i := range int(times % 256) {
			if content = append(content, seed[min(i, len(seed)):]...); len(content) > 5*maxBlock/2 {
				break
			}
			content = append(content, make([]byte, i*int(cut)%4099)...)
		}
		content = append(content, seed[:min(int(cut), len(seed))]...)
		if len(content) == 0 {
			return
		}
		for _, effort := range efforts {
			check(t, e, effort, content)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	content := contents()["pages"]
	dst := make([]byte, 0, MaxSize(len(content)))
	for name, effort := range efforts {
		b.Run(name, func(b *testing.B) {
			e := New(effort)
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				e.Append(dst, effort, content)
			}
		})
	}
}

// A place is taken for that of the wanted bytes only if it has their whole hash.
func TestEnterTellsHashesApart(t *testing.T) {
	if MaxContent != 1<<(32-tagBits) {
		t.Fatalf("tags of %d bits do not stand directly above places below %d", tagBits, MaxContent)
	}
	table := make([]uint32, 4)
	for _, s := range []int{0, 1, MaxContent - 1} {
		for tag := range uint64(1 << tagBits) {
			hash := 2<<tagBits | tag
			enter(table, hash, s)
			if got := enter(table, hash, 7); got != s {
				t.Errorf("tag %d: place %d became %d", tag, s, got)
			}
			if got := enter(table, hash^1, 7); got < MaxContent {
				t.Errorf("tag %d: place %d of another hash", tag, got)
			}
		}
	}
	if table[0]|table[1]|table[3] != 0 {
		t.Errorf("table %x: entered where the hash does not say", table)
	}
}

// In the largest content the last page is still found to be the first one.
func TestLargestContent(t *testing.T) {
	content := make([]byte, MaxContent)
	first, last := content[:4096], content[MaxContent-4096:]
	r := rand.NewChaCha8([32]byte{1})
	for _, effort := range []Effort{Double, Wide, Optimal} {
		r.Read(first)
		r.Read(last)
		differ := check(t, New(effort), effort, content)
		copy(last, first)
		same := check(t, New(effort), effort, content)
		if differ-same < 4000 {
			t.Errorf("effort %d: %d bytes, %d if the last page is not the first", effort, same, differ)
		}
	}
}
