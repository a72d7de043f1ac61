package result

import "slices"

// Spread is what the rounds gave for one figure.
type Spread struct{ Median, Min, Max float64 }

// SpreadOf gives the spread of a figure over samples, zeros if there are none.
func SpreadOf[T any](samples []T, figure func(T) float64) Spread {
	if len(samples) == 0 {
		return Spread{}
	}
	all := make([]float64, len(samples))
	for i, s := range samples {
		all[i] = figure(s)
	}
	slices.Sort(all)
	n := len(all)
	return Spread{(all[(n-1)/2] + all[n/2]) / 2, all[0], all[n-1]}
}

// Times gives the spread in another unit.
func (s Spread) Times(f float64) Spread { return Spread{s.Median * f, s.Min * f, s.Max * f} }

// The figures of a sample.
var (
	Wall = func(s Sample) float64 { return s.Wall }
	CPU  = Sample.CPU
	Peak = func(s Sample) float64 { return float64(s.Peak) }
)
