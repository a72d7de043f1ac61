package plot

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Series is a line: a value at each place, 0 where there is none.
type Series struct {
	Label string
	Style Style
	Y     []float64
}

// Lines is lines over named places, on a logarithmic scale.
type Lines struct {
	Title, Below   string
	XLabel, YLabel string
	Places         []string
	Series         []Series
}

// colours are how many colours the lines of others have.
const colours = 8

// WriteSVG draws the picture.
func (l Lines) WriteSVG(w io.Writer) error {
	var ys []float64
	for _, s := range l.Series {
		ys = append(ys, s.Y...)
	}
	y := newAxis(ys, true, height-bottom, top)
	edge := float64(width) - l.labelRoom()
	var xs []tick
	for i, p := range l.Places {
		at := left + 24 + (edge-left-40)*(float64(i)+0.5*oneIf(len(l.Places) == 1))/float64(max(1, len(l.Places)-1))
		xs = append(xs, tick{at, p})
	}
	v := frameOf(l.Title, l.Below, l.XLabel, l.YLabel, xs, y.ticks(), edge)
	others := 0
	for _, s := range l.Series {
		c := curve{Style: s.Style, Label: s.Label}
		if s.Style == Other {
			c.Style = Style(className(others % colours))
			if others >= colours {
				c.Dash = "5 3"
			}
			others++
		}
		for i, value := range s.Y {
			if value > 0 && i < len(xs) {
				c.Points = append(c.Points, place{xs[i].At, y.at(value)})
			}
		}
		if len(c.Points) > 0 {
			v.Curves = append(v.Curves, c)
		}
	}
	v.Leaders, v.Labels = endLabels(v.Curves, edge)
	return picture().Execute(w, v)
}

// labelRoom gives what the names of lines need at the right.
func (l Lines) labelRoom() float64 {
	longest := 0
	for _, s := range l.Series {
		longest = max(longest, len([]rune(s.Label)))
	}
	return 24 + boldLetter*float64(longest)
}

// className gives the class of the i-th colour for lines of others.
func className(i int) string { return fmt.Sprintf("c%d", i) }

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// endLabels puts the names of lines at their right ends, one below the other where
// they would lie on each other.
func endLabels(curves []curve, edge float64) (leaders []leader, labels []text) {
	sorted := slices.Clone(curves)
	end := func(c curve) place { return c.Points[len(c.Points)-1] }
	slices.SortStableFunc(sorted, func(a, b curve) int { return cmp.Compare(end(a).Y, end(b).Y) })
	ys := make([]float64, len(sorted))
	for i, c := range sorted {
		ys[i] = end(c).Y
	}
	spreadOut(ys, top, height-bottom)
	for i, c := range sorted {
		leaders = append(leaders, leader{end(c), place{edge + 6, ys[i]}, c.Style})
		labels = append(labels, text{place{edge + 10, ys[i] + 4}, "start", c.Style, c.Label})
	}
	return leaders, labels
}

// spreadOut moves sorted places apart until each has a line's height, as little as
// it can, between two bounds.
func spreadOut(ys []float64, low, high float64) {
	for range 100 {
		for i := 1; i < len(ys); i++ {
			if near := line - (ys[i] - ys[i-1]); near > 0 {
				ys[i-1] -= near / 2
				ys[i] += near / 2
			}
		}
		for i := range ys {
			ys[i] = min(max(ys[i], low+line*float64(i)), high-line*float64(len(ys)-1-i))
		}
	}
}
