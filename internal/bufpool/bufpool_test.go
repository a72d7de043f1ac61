package bufpool

import "testing"

func TestGetIsPresizedAndEmpty(t *testing.T) {
	p := New(4096, 8192)
	for range 100 {
		b := p.Get()
		if len(b.B) != 0 || cap(b.B) < 4096 {
			t.Fatalf("got len %d cap %d, want an empty buffer of at least 4096", len(b.B), cap(b.B))
		}
		b.B = append(b.B, make([]byte, 4096)...)
		p.Put(b)
	}
}

func TestPutDropsWhatGrewTooLarge(t *testing.T) {
	p := New(16, 64)
	b := p.Get()
	b.B = make([]byte, 0, 65)
	grown := b
	p.Put(b)
	for range 100 {
		if got := p.Get(); got == grown {
			t.Fatal("a buffer over the cap came back")
		}
	}
}

// The buffer that came back last is lent first, if it is large enough, and another rather than that a new one is
// made.
func TestGetTakesWhatCameBackLast(t *testing.T) {
	p := New(16, 1<<20)
	small, large, last := p.Get(), p.GetSize(1<<16), p.Get()
	for range 100 {
		for _, b := range []*Buffer{small, large, last} {
			p.Put(b)
		}
		for i, want := range []struct {
			size int
			b    *Buffer
		}{{16, last}, {1 << 16, large}, {16, small}} {
			if got := p.GetSize(want.size); got != want.b || len(got.B) != 0 {
				t.Fatalf("loan %d is another buffer, or not empty", i)
			}
		}
	}
}

// A pool keeps a few buffers, and leaves the others to the collector.
func TestKeepsFew(t *testing.T) {
	for want, p := range map[int]*Pool{mostNear: New(16, 16), 7: NewKeeping(7, 16, 16)} {
		var lent []*Buffer
		for range 3 * want {
			lent = append(lent, p.Get())
		}
		for _, b := range lent {
			p.Put(b)
		}
		if len(p.near) != want {
			t.Errorf("%d are kept, want %d", len(p.near), want)
		}
		if p.Trim(); len(p.near) != mostNear || p.Loans() != 0 {
			t.Errorf("%d are kept of %d, %d are out", len(p.near), want, p.Loans())
		}
	}
}

func TestLoansAreCounted(t *testing.T) {
	p := New(16, 64)
	other := New(16, 64)
	before := Out()
	a, b, c := p.Get(), p.Get(), other.Get()
	if got := p.Loans(); got != 2 || Out() != before+3 {
		t.Fatalf("loans = %d, want 2; %d of all pools", got, Out()-before)
	}
	p.Put(a)
	p.Put(b)
	other.Put(c)
	if got := p.Loans(); got != 0 || Out() != before {
		t.Fatalf("loans = %d, want 0; %d of all pools", got, Out()-before)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	p := New(1<<16, 1<<16)
	p.Put(p.Get())
	if n := testing.AllocsPerRun(1000, func() { p.Put(p.Get()) }); n != 0 {
		t.Fatalf("%v allocations per get and put, want 0", n)
	}
}
