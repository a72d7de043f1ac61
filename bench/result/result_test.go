package result

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSpread(t *testing.T) {
	self := func(f float64) float64 { return f }
	for _, c := range []struct {
		samples []float64
		want    Spread
	}{
		{nil, Spread{}}, {[]float64{3}, Spread{3, 3, 3}}, {[]float64{9, 1}, Spread{5, 1, 9}},
		{[]float64{5, 1, 3}, Spread{3, 1, 5}}, {[]float64{4, 100, 1, 2}, Spread{3, 1, 100}},
	} {
		if got := SpreadOf(c.samples, self); got != c.want {
			t.Errorf("%v: %v, want %v", c.samples, got, c.want)
		}
	}
	if got := (Spread{2, 1, 4}).Times(10); got != (Spread{20, 10, 40}) {
		t.Errorf("times 10: %v", got)
	}
}

func TestFront(t *testing.T) {
	p := func(name string, cost, ratio float64) Point { return Point{name, Peer, cost, ratio} }
	for name, c := range map[string]struct {
		points []Point
		want   string
	}{
		"none":             {nil, ""},
		"one":              {[]Point{p("a", 1, 1)}, "a"},
		"rising":           {[]Point{p("b", 2, 2), p("a", 1, 1), p("c", 3, 3)}, "a b c"},
		"one is beaten":    {[]Point{p("a", 1, 2), p("b", 2, 1), p("c", 3, 3)}, "a c"},
		"one is as good":   {[]Point{p("a", 1, 2), p("b", 2, 2)}, "a"},
		"at the same cost": {[]Point{p("a", 1, 1), p("b", 1, 2)}, "b"},
		"the same point":   {[]Point{p("a", 1, 1), p("b", 1, 1)}, "a"},
	} {
		var got []string
		for _, p := range Front(c.points) {
			got = append(got, p.Subject)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

// A peer is undominated where each of ours costs more or yields less.
func TestUndominated(t *testing.T) {
	ours := []Point{{"fast", Ours, 1, 2}, {"good", Ours, 3, 4}}
	for _, c := range []struct {
		cost, ratio float64
		role        Role
		left        bool
	}{
		{2, 1.5, Peer, false}, {1, 2, Peer, false}, {0.9, 2, Peer, true}, {1, 2.1, Peer, true}, {2.9, 4, Peer, true},
		{9, 4.1, Peer, true}, {9, 4, Peer, false}, {0.1, 1, Plain, false},
	} {
		got := Undominated(append(ours, Point{"x", c.role, c.cost, c.ratio}))
		if (len(got) == 1) != c.left {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestPoints(t *testing.T) {
	r := Run{
		Subjects: []Subject{{Name: "a", Role: Ours}, {Name: "b", Role: Peer}},
		Inputs:   []Input{{Name: "in", Bytes: 2e9}},
		Codecs: []Codec{
			{Input: "in", Subject: "a", Packed: 5e8, Compress: []Sample{{User: 7, System: 1}}},
			{Input: "in", Subject: "b", Packed: 1e9, Compress: []Sample{{User: 2}, {User: 1}, {User: 9}}},
			{Input: "other", Subject: "b", Packed: 1},
		},
	}
	want := []Point{{"b", Peer, 1, 2}, {"a", Ours, 4, 4}}
	if diff := cmp.Diff(want, r.Points("in")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWrittenAndRead(t *testing.T) {
	r := &Run{Version: Version, Started: time.Unix(1e9, 0).UTC(), Rounds: 3, Link: &Link{Kind: "x"}, Moves: []Move{{Samples: []Sample{{Wall: 1}}}}}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&b)
	if diff := cmp.Diff(r, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"", "{", `{"version":2}`, "[]"} {
		if _, err := Read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
