package plot

import (
	"math"
	"strconv"
)

// axis maps values to places, from one end in pixels to the other.
type axis struct {
	low, high float64 // values at the ends
	from, to  float64 // pixels
	log       bool
}

// newAxis gives an axis on which all values have room.
func newAxis(values []float64, log bool, from, to float64) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if log && v <= 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		low, high = min(low, v), max(high, v)
	}
	if low > high {
		low, high = 1, 2
	}
	if log {
		return axis{low / 1.15, high * 1.15, from, to, true}
	}
	room := max((high-low)*0.08, high*0.01)
	return axis{max(0, low-room), high + room, from, to, false}
}

// at gives the place of a value.
func (a axis) at(v float64) float64 {
	part := (v - a.low) / (a.high - a.low)
	if a.log {
		part = math.Log(v/a.low) / math.Log(a.high/a.low)
	}
	return a.from + part*(a.to-a.from)
}

// tick is a value that is written at an axis.
type tick struct {
	At    float64
	Label string
}

// ticks gives round values: 1, 2 and 5 times powers of ten where they are close on a
// logarithmic axis, only the powers where they are many, and even steps on a linear one.
func (a axis) ticks() []tick {
	var out []tick
	add := func(v float64) {
		if v >= a.low && v <= a.high {
			out = append(out, tick{a.at(v), label(v)})
		}
	}
	if !a.log {
		step := niceStep((a.high - a.low) / 6)
		for i := math.Ceil(a.low / step); i*step <= a.high; i++ {
			add(i * step)
		}
		return out
	}
	factors := []float64{1, 2, 5}
	switch decades := math.Log10(a.high / a.low); {
	case decades > 4:
		factors = factors[:1]
	case decades < 1:
		factors = []float64{1, 1.5, 2, 3, 4, 5, 6, 8}
	}
	for e := math.Floor(math.Log10(a.low)); e <= math.Log10(a.high); e++ {
		for _, f := range factors {
			add(f * math.Pow(10, e))
		}
	}
	return out
}

// niceStep gives the least of 1, 2 and 5 times a power of ten that is not below least.
func niceStep(least float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, f := range []float64{1, 2, 5} {
		if f*power >= least {
			return f * power
		}
	}
	return 10 * power
}

func label(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
