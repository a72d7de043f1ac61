package gen_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/ctxpipe/ctxpipe/bench/gen"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/internal/guestmem"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// mixes by the way ParseMix reads them; one of them has one kind of page only.
var mixes = []string{guestmem.Usual.String(), "zero=100", "dup=100", "random=100", "zero=1,text=99", "code=50,pointers=50"}

func guest(t *testing.T, mix string, seed uint64, passes int) gen.Guest {
	t.Helper()
	m, err := guestmem.ParseMix(mix)
	if err != nil {
		t.Fatal(err)
	}
	return gen.Guest{Memory: 5<<20 + 4096, Mix: m, Seed: seed, Passes: passes}
}

// The strict verifier accepts what is made, whatever the mix and the seed, and
// sees as many passes as were asked for.
func TestVerified(t *testing.T) {
	for _, mix := range mixes {
		for seed := range uint64(3) {
			for _, passes := range []int{1, 2, 6} {
				pages, seen, last := 0, 0, uint64(0)
				w, err := xen.New(xen.WithStrictness(xen.Verify), xen.WithKind(xen.XL), xen.WithVisitor(xen.Visitor{
					Entries: func(_ xen.Record, first int, e libxc.Entries) {
						if first == 0 && (seen == 0 || e.At(0).PFN() <= last) {
							seen++
						}
						pages += e.Len()
						last = e.At(e.Len() - 1).PFN()
					},
				}))
				if err != nil {
					t.Fatal(err)
				}
				g := guest(t, mix, seed, passes)
				n, err := g.WriteTo(w)
				if err = errors.Join(err, w.Close()); err != nil {
					t.Errorf("%s, seed %d, %d passes: %v", mix, seed, passes, err)
				}
				if want := int(g.Memory / libxc.PageSize); seen != passes || pages < want+passes-1 || pages > want+want*passes/4 || n < int64(pages)*libxc.PageSize {
					t.Errorf("%s, seed %d: %d passes instead of %d, %d pages of %d, %d bytes", mix, seed, seen, passes, pages, want, n)
				}
			}
		}
	}
}

// The same guest is the same bytes, another one is other bytes.
func TestReproducible(t *testing.T) {
	seen := map[string]bool{}
	for _, mix := range mixes[:2] {
		for seed := range uint64(2) {
			var a, b bytes.Buffer
			n, err := guest(t, mix, seed, 3).WriteTo(&a)
			if err != nil || n != int64(a.Len()) {
				t.Fatalf("%d of %d bytes, %v", n, a.Len(), err)
			}
			if _, err := guest(t, mix, seed, 3).WriteTo(&b); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Errorf("%s, seed %d: not the same bytes again, %v", mix, seed, err)
			}
			if seen[a.String()] {
				t.Errorf("%s, seed %d: the bytes of another guest", mix, seed)
			}
			seen[a.String()] = true
		}
	}
}

func TestRefused(t *testing.T) {
	good := gen.Guest{Memory: gen.MinMemory, Mix: guestmem.Usual, Passes: 1}
	for name, change := range map[string]func(*gen.Guest){
		"no memory": func(g *gen.Guest) { g.Memory = 0 }, "too much": func(g *gen.Guest) { g.Memory = gen.MaxMemory + 4096 },
		"half a page": func(g *gen.Guest) { g.Memory++ }, "no pass": func(g *gen.Guest) { g.Passes = 0 }, "too many": func(g *gen.Guest) { g.Passes = gen.MaxPasses + 1 },
	} {
		g := good
		change(&g)
		if n, err := g.WriteTo(io.Discard); err == nil || n != 0 {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
	if _, err := good.WriteTo(io.Discard); err != nil {
		t.Error(err)
	}
}

type full struct{ room int }

var errFull = errors.New("full")

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

func TestErrorOfTheDestination(t *testing.T) {
	for _, room := range []int{0, 1 << 20, 5 << 20} {
		if n, err := guest(t, mixes[0], 1, 1).WriteTo(&full{room}); !errors.Is(err, errFull) || n > int64(room) {
			t.Errorf("room for %d: %d written, %v", room, n, err)
		}
	}
}

// weigher weighs the heap at each 16 MiB that pass.
type weigher struct{ passed, next, most int64 }

func (w *weigher) Write(p []byte) (int, error) {
	if w.passed += int64(len(p)); w.passed >= w.next {
		w.next += 16 << 20
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		w.most = max(w.most, int64(m.HeapAlloc))
	}
	return len(p), nil
}

// A larger guest takes no more memory to make.
func TestMemoryIsConstant(t *testing.T) {
	weigh := func(memory int64) int64 {
		var w weigher
		if _, err := (gen.Guest{Memory: memory, Mix: guestmem.Mix{Zero: 100}, Passes: 2}).WriteTo(&w); err != nil {
			t.Fatal(err)
		}
		return w.most
	}
	if small, large := weigh(16<<20), weigh(128<<20); large > small+4<<20 {
		t.Errorf("%d bytes in use for 16 MiB, %d for 128 MiB", small, large)
	}
}
