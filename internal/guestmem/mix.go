package guestmem

import (
	"fmt"
	"strconv"
	"strings"
)

// Mix says how many of a hundred pages are of each kind. They add up to 100.
type Mix struct {
	Zero     int // never touched
	Copied   int // equal to an earlier page
	Text     int // words and numbers
	Code     int // machine code
	Pointers int // slabs and page tables: addresses among small numbers and zeros
	Random   int // nothing can compress them
}

// Usual is the mix of a guest that has been up for a while.
var Usual = Mix{Zero: 25, Copied: 5, Text: 20, Code: 20, Pointers: 20, Random: 10}

// share is a kind's name and its place in a Mix.
type share struct {
	name string
	of   func(*Mix) *int
}

var shares = []share{
	{"zero", func(m *Mix) *int { return &m.Zero }},
	{"dup", func(m *Mix) *int { return &m.Copied }},
	{"text", func(m *Mix) *int { return &m.Text }},
	{"code", func(m *Mix) *int { return &m.Code }},
	{"pointers", func(m *Mix) *int { return &m.Pointers }},
	{"random", func(m *Mix) *int { return &m.Random }},
}

// ParseMix reads a mix as "zero=25,dup=5,text=30". Kinds that are not named have
// no part, but for random, which gets what is left of a hundred.
func ParseMix(text string) (Mix, error) {
	var m Mix
	named := map[string]bool{}
	sum := 0
	for item := range strings.SplitSeq(text, ",") {
		name, number, _ := strings.Cut(item, "=")
		n, err := strconv.Atoi(number)
		to := m.place(name)
		switch {
		case to == nil:
			return Mix{}, fmt.Errorf("no kind of page has the name %q: zero, dup, text, code, pointers and random are known", name)
		case named[name]:
			return Mix{}, fmt.Errorf("%s stands twice in the mix", name)
		case err != nil || n < 0 || n > 100:
			return Mix{}, fmt.Errorf("%s takes 0 to 100 of a hundred pages, not %q", name, number)
		}
		*to, named[name] = n, true
		sum += n
	}
	if !named["random"] && sum <= 100 {
		m.Random = 100 - sum
		sum = 100
	}
	if sum != 100 {
		return Mix{}, fmt.Errorf("the mix adds up to %d, not 100", sum)
	}
	return m, nil
}

func (m *Mix) place(name string) *int {
	for _, s := range shares {
		if s.name == name {
			return s.of(m)
		}
	}
	return nil
}

// String gives the mix as ParseMix reads it.
func (m Mix) String() string {
	var parts []string
	for _, s := range shares {
		parts = append(parts, fmt.Sprintf("%s=%d", s.name, *s.of(&m)))
	}
	return strings.Join(parts, ",")
}
