package plot

import (
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"strings"
	"sync"
)

//go:embed picture.svg
var source string

// picture is parsed when it is needed: the filters start without it.
var picture = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("picture").Funcs(template.FuncMap{
		"path": path, "px": px,
	}).Parse(source))
})

// view is what the template draws.
type view struct {
	Title, Below   string
	XLabel, YLabel string
	Width, Height  float64
	Left, Right    float64 // of the plot
	Top, Bottom    float64
	XTicks, YTicks []tick
	Front          []place
	Curves         []curve
	Leaders        []leader
	Dots           []dot
	Labels         []text
}

type place struct{ X, Y float64 }

type dot struct {
	place
	Style Style
	Title string
}

type curve struct {
	Points []place
	Style  Style
	Dash   string
	Label  string
}

type leader struct {
	From, To place
	Style    Style
}

type text struct {
	place
	Anchor string
	Style  Style
	Words  string
}

func frameOf(title, below, xlabel, ylabel string, xs, ys []tick, edge float64) view {
	return view{
		Title: title, Below: below, XLabel: xlabel, YLabel: ylabel, Width: width, Height: height,
		Left: left, Right: edge, Top: top, Bottom: height - bottom, XTicks: xs, YTicks: ys,
	}
}

// Middle gives the middle of the plot.
func (v view) Middle() place { return place{(v.Left + v.Right) / 2, (v.Top + v.Bottom) / 2} }

// hue is the colour of all that has a class.
type hue struct{ Name, Colour string }

// Light and Dark give the colours on white and on black paper.
func (view) Light() []hue {
	return hues("#ffffff", "#1f2328", "#59636e", "#d8dee4", "#0969da", "#0598bc", "#6e7781",
		"#bc4c00", "#8250df", "#9a6700", "#1a7f37", "#cf222e", "#bf3989", "#57606a", "#4d6b00")
}

func (view) Dark() []hue {
	return hues("#0d1117", "#e6edf3", "#9198a1", "#2b3138", "#58a6ff", "#39c5cf", "#9198a1",
		"#f0883e", "#bc8cff", "#d29922", "#3fb950", "#ff7b72", "#f778ba", "#b1bac4", "#a5c75a")
}

// hues gives colours their classes.
func hues(colours ...string) []hue {
	var all []hue
	for i, name := range []string{"paper", string(Plain), "soft", "grid", string(Ours), string(OursToo), string(Other)} {
		all = append(all, hue{name, colours[i]})
	}
	for i, c := range colours[len(all):] {
		all = append(all, hue{className(i), c})
	}
	return all
}

func path(points []place) string {
	var b strings.Builder
	for i, p := range points {
		fmt.Fprintf(&b, "%s%s %s", map[bool]string{true: "M", false: " L"}[i == 0], px(p.X), px(p.Y))
	}
	return b.String()
}

// px gives a place in tenths of a pixel.
func px(v float64) string { return fmt.Sprintf("%.1f", math.Round(v*10)/10) }
