package zst

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"
)

const page = 4096

var noZeros = sync.OnceValue(func() []byte {
	b := make([]byte, slices.Max(elidableSizes))
	rand.NewChaCha8([32]byte{2}).Read(b)
	for i := range b {
		b[i] |= 1
	}
	return b
})

// randomBytes gives bytes of which none is zero, so that runs end where the
// test says.
func randomBytes(n int) []byte { return bytes.Clone(noZeros()[:n]) }

// elidable gives contents of one size with zeros in all kinds of places.
func elidable(size int) map[string][]byte {
	all := map[string][]byte{"all zero": make([]byte, size)}
	add := func(name string, zero func(b []byte)) {
		b := randomBytes(size)
		zero(b)
		all[name] = b
	}
	// pages zeroes every n-th page of a grid that begins at shift.
	pages := func(n, shift int) func([]byte) {
		return func(b []byte) {
			for at := shift; at < size; at += n * page {
				clear(b[at:min(size, at+page)])
			}
		}
	}
	add("no zero", func([]byte) {})
	add("start", func(b []byte) { clear(b[:size/2]) })
	add("end", func(b []byte) { clear(b[size/2:]) })
	add("middle", func(b []byte) { clear(b[size/5 : size-size/7]) })
	add("all but first", func(b []byte) { clear(b[1:]) })
	add("all but two", func(b []byte) { clear(b[min(2, size):]) })
	add("all but last", func(b []byte) { clear(b[:size-1]) })
	add("one in the middle", func(b []byte) { clear(b); b[size/2] = 1 })
	add("alternating", pages(2, 0))
	add("alternating from the second", pages(2, page))
	add("alternating, shifted", pages(2, 24))
	add("every third, shifted", pages(3, page-1))
	add("page starts", func(b []byte) {
		for at := 0; at < size; at += page {
			clear(b[at:min(size, at+page/4)])
		}
	})
	add("nearly zero pages", func(b []byte) {
		clear(b)
		for at := page - 1; at < size; at += page {
			b[at] = 1
		}
	})
	return all
}

var elidableSizes = []int{
	1, 2, 3, 4, 7, 8, 9, 255, 256, 257, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097, 12_345,
	256 + 1<<16 - 1, 256 + 1<<16, MaxBlock - 1, MaxBlock, MaxBlock + 1, MaxBlock + 3, 3*MaxBlock + 4711, 1 << 20, 4 << 20, 4<<20 + 13,
}

// elided gives the frame in one piece, and the content that is in it as zeros
// of RLE blocks.
func elided(t testing.TB, e *Elider, content []byte) (whole []byte, zero int) {
	t.Helper()
	vec, size, zero := e.Frame(content)
	item, entry := e.Item(), e.Entry()
	whole = slices.Concat(vec...)
	if len(whole) != size || size > MaxFrameSize(len(content)) {
		t.Fatalf("size %d, want %d, at most %d", size, len(whole), MaxFrameSize(len(content)))
	}
	if want := ItemOf(whole, len(content), xxhash.Sum64(content)); item != want {
		t.Fatalf("item %+v, want %+v", item, want)
	}
	if want := DataEntry(whole, len(content)); entry != want {
		t.Fatalf("entry %+v, want %+v", entry, want)
	}
	return whole, zero
}

// rleBlocks gives the content of every RLE block by the frame's own headers,
// and fails if it is not zero, or the blocks break a rule of the Elider's.
func rleBlocks(t testing.TB, whole []byte) (sizes []int) {
	t.Helper()
	h, err := ParseFrameHeader(whole)
	if err != nil {
		t.Fatal(err)
	}
	content := 0
	for at, last := h.Size, false; !last; {
		v := int(littleEndian(whole[at:][:blockHeaderSize]))
		last = v&1 != 0
		at += blockHeaderSize
		n := v >> 3
		switch v >> 1 & 3 {
		case blockRaw:
			at += n
		case blockRLE:
			if n < minZero || whole[at] != 0 {
				t.Fatalf("RLE block of %d times %#x at %d", n, whole[at], at)
			}
			sizes = append(sizes, n)
			at++
		}
		if content += n; at <= 18 && content > MaxBlock {
			t.Fatalf("the first %d bytes decode to %d: too much for zstd 1.4.3", at, content)
		}
	}
	return sizes
}

func sum(n []int) (s int) {
	for _, v := range n {
		s += v
	}
	return s
}

func newDecoder(t testing.TB) *zstd.Decoder {
	t.Helper()
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dec.Close)
	return dec
}

// checkElided says what every frame has to be.
func checkElided(t testing.TB, dec *zstd.Decoder, whole, content []byte, zero int) {
	t.Helper()
	w, err := walk(whole)
	if err != nil || w.Pos() != int64(len(whole)) || w.MaxContent() != int64(len(content)) {
		t.Errorf("walked to %d of %d, content %d, %v", w.Pos(), len(whole), w.MaxContent(), err)
	}
	if err := CheckData(w.Header(), MaxChunk); err != nil {
		t.Error(err)
	}
	got, err := dec.DecodeAll(whole, nil)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("decoded to %d bytes, %v; want %d", len(got), err, len(content))
	}
	if n := sum(rleBlocks(t, whole)); n != zero {
		t.Errorf("zero is %d, RLE blocks stand for %d", zero, n)
	}
}

// Proves: TR-20, TR-21, TR-22, TR-23, TR-24
func TestElide(t *testing.T) {
	dec := newDecoder(t)
	var e Elider // one for all, so that nothing of a frame stays for the next
	for _, size := range elidableSizes {
		for name, content := range elidable(size) {
			t.Run(fmt.Sprintf("%s %d", name, size), func(t *testing.T) {
				whole, zero := elided(t, &e, content)
				checkElided(t, dec, whole, content, zero)
			})
		}
	}
}

// The zstd command reads what the Elider writes. Versions up to 1.4.3 are the
// reason for [firstRaw].
func TestElideForCommand(t *testing.T) {
	command, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip(err)
	}
	var e Elider
	for _, size := range elidableSizes {
		var stream, want []byte
		for _, content := range elidable(size) {
			whole, _ := elided(t, &e, content)
			stream, want = append(stream, whole...), append(want, content...)
		}
		if got := unzstd(t, command, stream); !bytes.Equal(got, want) {
			t.Errorf("frames of %d: decoded to %d bytes, want %d", size, len(got), len(want))
		}
	}
}

func unzstd(t *testing.T, command string, b []byte) []byte {
	t.Helper()
	cmd := exec.Command(command, "-dc")
	cmd.Stdin = bytes.NewReader(b)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	return out
}

// Runs are elided to their true ends, and every page of zeros is found
// wherever it lies.
func TestElideFindsPages(t *testing.T) {
	const size = 64 * page
	var e Elider
	for _, shift := range []int{3, 4, 7, 8, 9, 24, 1000, 2047, 2048, 2049, 4095, 4096, 4097, size - page} {
		content := randomBytes(size)
		clear(content[shift : shift+page])
		whole, zero := elided(t, &e, content)
		if zero != page || len(whole) > size-page+32 {
			t.Errorf("page at %d: %d bytes, %d elided", shift, len(whole), zero)
		}
	}
	for _, c := range []struct{ size, at, n, want int }{
		{size, 0, size, size - firstRaw}, {size, 0, page, page - firstRaw}, {size, 3, size - 3, size - 3},
		{size, 100, 20 * page, 20 * page}, {size, size - 2048, 2048, 2048},
		{size, 3 * page, 2048, 2048}, {size, 3*page + 1024, 2047, 0},
		{size + 1024, size, 1024, 1024}, {size + 1024, size - 1, 1025, 1025},
		{size + 1023, size, 1023, 0}, {size + 1000, size - 24, 1024, 1024},
		{1026, 0, 1026, 0}, {1027, 0, 1027, 1024},
	} {
		content := randomBytes(c.size)
		clear(content[c.at : c.at+c.n])
		if _, zero := elided(t, &e, content); zero != c.want {
			t.Errorf("%d zeros at %d of %d: %d elided, want %d", c.n, c.at, c.size, zero, c.want)
		}
	}
}

// A run a little longer than a block makes no block that does not pay.
func TestElideSplitsEvenly(t *testing.T) {
	var e Elider
	content := make([]byte, firstRaw+2*MaxBlock+1)
	whole, _ := elided(t, &e, content)
	if got := rleBlocks(t, whole); len(got) != 3 || slices.Min(got) < MaxBlock/2 {
		t.Errorf("blocks of %d", got)
	}
}

// The frame is around the content and not around a copy.
func TestElideDoesNotCopy(t *testing.T) {
	content := randomBytes(10 * page)
	clear(content[page : 3*page])
	vec, _, _ := new(Elider).Frame(content)
	if len(vec) != 5 || &vec[1][0] != &content[0] || &vec[3][0] != &content[3*page] {
		t.Errorf("%d slices, not those of the content", len(vec))
	}
}

func TestElideDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var e Elider
	var f Fold
	for name, content := range elidable(1 << 20) {
		n := testing.AllocsPerRun(5, func() {
			e.Frame(content)
			_ = e.Entry()
			f.Add(e.Item())
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// expand makes content of fuzz bytes: each three are a byte and how often it
// stands there, so that long runs need few.
func expand(b []byte) (content []byte) {
	for ; len(b) >= 3 && len(content) < 1<<20; b = b[3:] {
		n := int(binary.LittleEndian.Uint16(b[1:]))
		content = append(content, bytes.Repeat(b[:1], n)...)
	}
	return append(content, b...)
}

// longZeros counts the zeros that have to be in RLE blocks, and those that may
// be: all in runs of two steps and more, and none in runs that are too short.
func longZeros(content []byte) (least, most int) {
	for _, b := range bytes.FieldsFunc(content, func(r rune) bool { return r != 0 }) {
		if len(b) >= 2*zeroStep {
			least += len(b) - firstRaw // the first bytes of the content stay
		}
		if len(b) >= minZero {
			most += len(b)
		}
	}
	return least, most
}

// FuzzElide takes frames of any content, one after the other with the same
// Elider.
func FuzzElide(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{0, 0, 16, 1, 1, 0, 0, 0, 16})
	f.Add([]byte{0, 255, 255, 0, 255, 255, 0, 255, 255, 7, 3, 0, 0, 255, 15, 9})
	f.Add([]byte{1, 24, 0, 0, 0, 16, 1, 0, 16, 0, 0, 16, 1, 0, 16, 0, 255, 3})
	dec := newDecoder(f)
	var e Elider
	f.Fuzz(func(t *testing.T, b []byte) {
		content := expand(b)
		if len(content) == 0 {
			return
		}
		whole, zero := elided(t, &e, content)
		checkElided(t, dec, whole, content, zero)
		if least, most := longZeros(content); zero < least || zero > most {
			t.Errorf("%d zeros elided, want %d to %d", zero, least, most)
		}
	})
}

// elideLoads gives what the benchmarks run over, in buffers of 1 MiB.
func elideLoads() []struct {
	name    string
	content []byte
} {
	const size = 1 << 20
	some := randomBytes(size)
	rng := rand.New(rand.NewPCG(1, 2))
	for at := 24; at+page <= size; at += page {
		if rng.IntN(10) < 3 {
			clear(some[at : at+page])
		}
	}
	return []struct {
		name    string
		content []byte
	}{{"zero", make([]byte, size)}, {"random", randomBytes(size)}, {"30% zero pages", some}}
}

// BenchmarkElide is everything that a frame costs, and where that goes:
// scan finds the zeros, checksum is the frame's XXH64, content and wire are
// the XXH3 of the digest.
func BenchmarkElide(b *testing.B) {
	for _, load := range elideLoads() {
		content := load.content
		var e Elider
		_, _, zero := e.Frame(content)
		run := func(name string, f func()) {
			b.Run(name+"/"+load.name, func(b *testing.B) {
				b.SetBytes(int64(len(content)))
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(zero)/float64(len(content)), "zero/B")
			})
		}
		run("all", func() { e.Frame(content); e.Item() })
		run("frame", func() { e.Frame(content) })
		run("scan", func() {
			for at := 0; at < len(content); {
				_, at = zeroRun(content, at)
			}
		})
		run("checksum", func() { xxhash.Sum64(content) })
		run("item", func() { e.Item() })
	}
}

// BenchmarkCopy is the floor: the same bytes, copied once.
func BenchmarkCopy(b *testing.B) {
	for _, load := range elideLoads() {
		dst := make([]byte, len(load.content))
		b.Run(load.name, func(b *testing.B) {
			b.SetBytes(int64(len(dst)))
			b.ReportAllocs()
			for b.Loop() {
				copy(dst, load.content)
			}
		})
	}
}
