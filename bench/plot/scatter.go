package plot

import (
	"io"
	"math"
)

// Style is how something stands out.
type Style string

// The styles.
const (
	Ours    Style = "ours"    // ctxpipe
	OursToo Style = "ourstoo" // ctxpipe, another way
	Plain   Style = "plain"   // the floor
	Other   Style = "other"   // anybody else; lines get a colour each
)

// Dot is a point with a name.
type Dot struct {
	X, Y  float64
	Label string
	Style Style
}

// Scatter is points, and the line through those that no other beats.
type Scatter struct {
	Title, Below   string // Below is a second, smaller line
	XLabel, YLabel string
	Dots           []Dot
	Front          [][2]float64 // by rising X
}

// The measures of a picture, in pixels.
const (
	width, height            = 760, 470
	left, right, top, bottom = 62, 24, 62, 52
)

// WriteSVG draws the picture.
func (s Scatter) WriteSVG(w io.Writer) error {
	var xs, ys []float64
	for _, d := range s.Dots {
		xs, ys = append(xs, d.X), append(ys, d.Y)
	}
	x := newAxis(xs, true, left, width-right)
	y := newAxis(ys, false, height-bottom, top)
	v := frameOf(s.Title, s.Below, s.XLabel, s.YLabel, x.ticks(), y.ticks(), width-right)
	for _, p := range s.Front {
		v.Front = append(v.Front, place{x.at(p[0]), y.at(p[1])})
	}
	for _, d := range s.Dots {
		v.Dots = append(v.Dots, dot{place{x.at(d.X), y.at(d.Y)}, d.Style, d.Label})
	}
	v.place()
	return picture().Execute(w, v)
}

// place gives every dot its label, ours first, where they cover the least.
func (v *view) place() {
	var taken []box
	for _, d := range v.Dots {
		taken = append(taken, box{d.X - 6, d.Y - 6, d.X + 6, d.Y + 6})
	}
	for _, ours := range []bool{true, false} {
		for _, d := range v.Dots {
			if (d.Style == Ours) != ours {
				continue
			}
			l := freePlace(d.place, d.Title, taken)
			taken = append(taken, l.box)
			v.Labels = append(v.Labels, text{l.at, l.anchor, d.Style, d.Title})
			if l.far {
				v.Leaders = append(v.Leaders, leader{d.place, l.end, d.Style})
			}
		}
	}
}

// box is a part of the picture that is taken.
type box struct{ x0, y0, x1, y1 float64 }

// overlap gives the area that two boxes share.
func (b box) overlap(c box) float64 {
	w, h := math.Min(b.x1, c.x1)-math.Max(b.x0, c.x0), math.Min(b.y1, c.y1)-math.Max(b.y0, c.y0)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h
}

// outside gives how much of a box is outside the plot.
func (b box) outside() float64 {
	return (b.x1-b.x0)*(b.y1-b.y0) - b.overlap(box{left, top, width - right, height - bottom})
}

// placed is where a label goes.
type placed struct {
	at     place
	anchor string
	box    box
	far    bool  // from its dot, which a line has to join it to
	end    place // of that line
}

const (
	letter     = 6.6 // width of a letter, on average
	boldLetter = 7.2
	line       = 13 // height of a line
)

// freePlace finds where a label near a dot covers the least, as close to it as
// there is room.
func freePlace(at place, words string, taken []box) placed {
	w := letter * float64(len([]rune(words)))
	var best placed
	least := math.Inf(1)
	for ring := range 7 {
		for _, turn := range []float64{0, 180, 270, 90, 330, 30, 210, 150, 300, 60, 240, 120} {
			p := labelAt(at, turn, 10+16*float64(ring), w)
			p.far = ring > 0
			covered := 3*p.box.outside() + 60*float64(ring)
			for _, t := range taken {
				covered += 4 * p.box.overlap(t)
			}
			if covered < least {
				best, least = p, covered
			}
		}
	}
	return best
}

// labelAt gives a label of some width at a distance from a dot, in the direction of turn
// degrees.
func labelAt(at place, turn, distance, w float64) placed {
	sin, cos := math.Sincos(turn * math.Pi / 180)
	p := placed{end: place{at.X + distance*cos, at.Y + distance*sin}}
	x0 := p.end.X
	switch {
	case cos > 0.1:
		p.anchor = "start"
	case cos < -0.1:
		p.anchor, x0 = "end", p.end.X-w
	default:
		p.anchor, x0 = "middle", p.end.X-w/2
	}
	p.at = place{p.end.X, p.end.Y + 4 + 5*sin}
	p.box = box{x0, p.at.Y - line + 3, x0 + w, p.at.Y + 3}
	return p
}
