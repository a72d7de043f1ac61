package page

import (
	"fmt"

	"github.com/ctxpipe/ctxpipe/internal/survey"
)

// grid is a picture of memory, row by row.
type grid struct {
	Width, Height int
	Span          string // what a cell stands for
	Cells         []square
}

type square struct {
	X, Y  int
	Class string // names the colour
	Title string // says in words what is there
}

const (
	columns = 64
	side    = 10 // of a square
	pitch   = 11 // from one to the next
)

// picture draws a map, each cell by what class says of it.
func picture(m survey.Map, class func(survey.Cell) (name, words string)) grid {
	rows := (len(m.Cells) + columns - 1) / columns
	g := grid{Width: columns*pitch - 1, Height: max(1, rows*pitch-1), Span: bytes(int64(m.Span) << 12)}
	for i, c := range m.Cells {
		name, words := class(c)
		if name == "" {
			continue
		}
		first := uint64(i) * m.Span
		g.Cells = append(g.Cells, square{
			X: i % columns * pitch, Y: i / columns * pitch, Class: name,
			Title: fmt.Sprintf("frames %#x to %#x: %s", first, first+m.Span-1, words),
		})
	}
	return g
}

// kindOf says what most of a cell's frames are.
func kindOf(c survey.Cell) (class, words string) {
	most := max(c.Data, c.Zero, c.Tables, c.Holes)
	switch {
	case most == 0:
		return "", ""
	case c.Repeated > most/2:
		class = "repeated"
	case c.Tables > 0 && c.Tables >= most/8: // few, and what one looks for
		class = "tables"
	case c.Data == most:
		class = "data"
	case c.Zero == most:
		class = "zero"
	default:
		class = "hole"
	}
	words = fmt.Sprintf("%d ordinary, %d zero, %d page tables, %d without data, %d sent again", c.Data, c.Zero, c.Tables, c.Holes, c.Repeated)
	return class, words
}

// packOf says how well a cell's pages compress.
func packOf(c survey.Cell) (class, words string) {
	switch {
	case c.Looked > 0:
		part := float64(c.Packed) / float64(c.Looked)
		return fmt.Sprintf("p%d", min(4, int(part*5))), fmt.Sprintf("%.0f %% is left of %d pages looked at", 100*part, c.Looked>>12)
	case c.Zero > 0 && c.Data+c.Tables == 0:
		return "zero", "all zero"
	}
	return "", ""
}

// bar is a span of the timeline.
type bar struct {
	X, W  float64 // in percent
	Class string
	Title string
}

// timeline draws the stream from left to right. What is short is still seen.
func timeline(r survey.Report) []bar {
	const least = 0.15
	var all float64
	for _, s := range r.Line {
		all += max(float64(s.Bytes)/float64(max(1, r.Bytes))*100, least)
	}
	var bars []bar
	x := 0.0
	for i, s := range r.Line {
		w := max(float64(s.Bytes)/float64(max(1, r.Bytes))*100, least) / all * 100
		class := "other"
		if s.Pages > 0 || s.Pass > 0 {
			class = fmt.Sprintf("pass%d", i%2)
		}
		words := fmt.Sprintf("%s (%s) at %d, %s", s.Name, s.Layer, s.Offset, bytes(s.Bytes))
		if s.Pages > 0 {
			words += fmt.Sprintf(", %d pages, pass %d", s.Pages, s.Pass)
		}
		bars = append(bars, bar{x, w, class, words})
		x += w
	}
	return bars
}
