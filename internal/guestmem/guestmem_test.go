package guestmem

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
)

func TestSameSeedSamePages(t *testing.T) {
	whole := make([]byte, 100*PageSize)
	Fill(whole, 1, 0)
	part := make([]byte, 10*PageSize)
	Fill(part, 1, 50)
	if !bytes.Equal(part, whole[50*PageSize:60*PageSize]) {
		t.Error("pages depend on where filling began")
	}
	Fill(part, 2, 50)
	if bytes.Equal(part, whole[50*PageSize:60*PageSize]) {
		t.Error("pages do not depend on the seed")
	}
}

// Of each kind there are as many as the mix says, and copies are copies.
func TestMix(t *testing.T) {
	const pages = 16000
	p := make([]byte, pages*PageSize)
	Usual.Fill(p, 7, 0)
	zero, again := 0, 0
	seen := map[string]bool{}
	for i := 0; i < len(p); i += PageSize {
		page := p[i : i+PageSize]
		switch {
		case frame.IsZero(page):
			zero++
		case seen[string(page)]:
			again++
		}
		seen[string(page)] = true
	}
	about := func(what string, got, hundredth int) {
		if want := pages * hundredth / 100; got < want*3/4 || got > want*5/4 {
			t.Errorf("%d pages of %d are %s, want about %d", got, pages, what, want)
		}
	}
	about("zero", zero, Usual.Zero)
	about("copies", again, Usual.Copied)
}

// A mix of one kind has no other; each kind differs from the others.
func TestKinds(t *testing.T) {
	seen := map[string]string{}
	for _, s := range shares {
		m, err := ParseMix(s.name + "=100")
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 64*PageSize)
		m.Fill(p, 3, 0)
		if frame.IsZero(p) != (s.name == "zero") {
			t.Errorf("%s: zero or not", s.name)
		}
		if other, twice := seen[string(p)]; twice {
			t.Errorf("%s and %s are the same", s.name, other)
		}
		seen[string(p)] = s.name
	}
}

func TestParseMix(t *testing.T) {
	if m, err := ParseMix(Usual.String()); err != nil || m != Usual {
		t.Errorf("%v becomes %v, %v", Usual, m, err)
	}
	if m, err := ParseMix("zero=25,dup=5"); err != nil || m != (Mix{Zero: 25, Copied: 5, Random: 70}) {
		t.Errorf("the rest: %v, %v", m, err)
	}
	for text, want := range map[string]string{
		"": "no kind", "gold=1": `"gold"`, "zero": `not ""`, "zero=101": "0 to 100", "zero=-1": "0 to 100", "zero=x": "0 to 100",
		"zero=50,text=60": "adds up to 110", "zero=50,random=40": "adds up to 90", "zero=1,zero=2": "twice", "zero=1,": "no kind",
	} {
		if m, err := ParseMix(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want an error with %q", text, m, err, want)
		}
	}
}

// What a running guest changes of a page is little, and the same each time.
func TestTouch(t *testing.T) {
	before := make([]byte, PageSize)
	Usual.Fill(before, 1, 40)
	same, most := 0, 0
	for round := range uint64(300) {
		a, b := bytes.Clone(before), bytes.Clone(before)
		Touch(a, 1, 40, round)
		Touch(b, 1, 40, round)
		if !bytes.Equal(a, b) {
			t.Fatalf("round %d: another change", round)
		}
		n := 0
		for i := range a {
			if a[i] != before[i] {
				n++
			}
		}
		if most = max(most, n); n == 0 {
			same++
		}
	}
	if most > PageSize/20 || same < 60 || same > 150 {
		t.Errorf("up to %d bytes changed, %d of 300 unchanged", most, same)
	}
}
