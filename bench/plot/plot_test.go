package plot

import (
	"encoding/xml"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
)

// elements parses a picture as XML and counts its elements by name.
func elements(t *testing.T, svg string) map[string]int {
	t.Helper()
	n := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return n
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		if s, ok := token.(xml.StartElement); ok {
			n[s.Name.Local]++
		}
	}
}

func drawn(t *testing.T, p interface{ WriteSVG(io.Writer) error }) string {
	t.Helper()
	var b strings.Builder
	if err := p.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var scatter = Scatter{
	Title: "levels <& so>", Below: "below", XLabel: "cost", YLabel: "ratio",
	Dots:  []Dot{{1, 2, "a<b", Ours}, {1.01, 2, "the same place", Other}, {30, 4, "far", Plain}},
	Front: [][2]float64{{1, 2}, {30, 4}},
}

var lines = Lines{
	Title: "moves", Places: []string{"slow", "fast"},
	Series: []Series{{"ours", Ours, []float64{1, 2}}, {"one", Other, []float64{1.001, 2.001}}, {"two", Other, []float64{3, 0}}, {"none", Other, []float64{0, 0}}},
}

// A picture holds each thing once, fetches nothing, and knows light and dark.
func TestPictures(t *testing.T) {
	for name, c := range map[string]struct {
		svg  string
		want map[string]int
	}{
		"scatter": {drawn(t, scatter), map[string]int{"svg": 1, "circle": 3, "path": 1}},
		"lines":   {drawn(t, lines), map[string]int{"svg": 1, "path": 3, "circle": 0}},
	} {
		got := elements(t, c.svg)
		for e, n := range c.want {
			if got[e] != n {
				t.Errorf("%s: %d of <%s>, want %d", name, got[e], e, n)
			}
		}
		if !strings.Contains(c.svg, "prefers-color-scheme: dark") {
			t.Errorf("%s does not know dark", name)
		}
		if found := regexp.MustCompile(`(?i)<script|<image|href|url\(|@import|ZgotmplZ|NaN|Inf`).FindString(c.svg); found != "" {
			t.Errorf("%s: %q is in it", name, found)
		}
	}
	svg := drawn(t, scatter)
	if !strings.Contains(svg, "a&lt;b") || !strings.Contains(svg, "levels &lt;&amp; so&gt;") {
		t.Error("names are not escaped")
	}
}

// Whatever there is, there is a picture.
func TestOddPictures(t *testing.T) {
	for _, s := range []Scatter{{}, {Dots: []Dot{{1, 1, "one", Ours}}}, {Dots: []Dot{{0, 0, "zero", Ours}}}} {
		elements(t, drawn(t, s))
	}
	for _, l := range []Lines{{}, {Places: []string{"one"}, Series: []Series{{"a", Ours, []float64{5}}}}, {Series: []Series{{"a", Ours, []float64{5}}}}} {
		if svg := drawn(t, l); strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("%+v: no number in\n%s", l, svg)
		}
	}
}

func TestAxis(t *testing.T) {
	a := newAxis([]float64{0.5, 50}, true, 0, 100)
	if got := a.at(5); math.Abs(got-50) > 0.1 {
		t.Errorf("the middle is at %.1f", got)
	}
	for _, c := range []struct {
		values []float64
		log    bool
		want   string
	}{
		{[]float64{1, 40}, true, "1 2 5 10 20"}, {[]float64{1, 1e7}, true, "1 10 100 1000 10000 100000 1e+06 1e+07"},
		{[]float64{1, 4.7}, false, "1 2 3 4"}, {[]float64{1, 3}, true, "1 1.5 2 3"}, {nil, true, "1 1.5 2"},
	} {
		var got []string
		for _, tick := range newAxis(c.values, c.log, 0, 1).ticks() {
			got = append(got, tick.Label)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v: %q, want %q", c.values, got, c.want)
		}
	}
}

// Labels keep apart where there is room.
func TestLabelsDoNotOverlap(t *testing.T) {
	var v view
	for i := range 12 {
		v.Dots = append(v.Dots, dot{place{350 + float64(i%3), 200 + float64(i)}, Other, "zstd -1 -T0"})
	}
	v.place()
	for i, a := range v.Labels {
		for _, b := range v.Labels[:i] {
			if math.Abs(a.Y-b.Y) < line-3 && math.Abs(a.X-b.X) < 20 && a.Anchor == b.Anchor {
				t.Errorf("labels at %.0f,%.0f and %.0f,%.0f", a.X, a.Y, b.X, b.Y)
			}
		}
	}
	ys := []float64{100, 100, 101, 400, 400}
	spreadOut(ys, 62, 418)
	for i := 1; i < len(ys); i++ {
		if ys[i]-ys[i-1] < line-0.5 || ys[i] > 418 {
			t.Errorf("ends of lines at %.1f", ys)
		}
	}
}
