package result

import (
	"cmp"
	"slices"
)

// Point is what a subject costs and yields on one input.
type Point struct {
	Subject string
	Role    Role
	Cost    float64 // CPU seconds for a GB (10^9 bytes) of the plain stream
	Ratio   float64 // plain to packed
}

// Points gives the points of all subjects on an input, by rising cost.
func (r *Run) Points(input string) []Point {
	var points []Point
	plain := float64(r.Input(input).Bytes)
	for _, c := range r.Codecs {
		if c.Input == input && c.Packed > 0 && plain > 0 {
			cpu := SpreadOf(c.Compress, CPU).Median
			points = append(points, Point{c.Subject, r.Subject(c.Subject).Role, cpu * 1e9 / plain, plain / float64(c.Packed)})
		}
	}
	slices.SortStableFunc(points, func(a, b Point) int { return cmp.Compare(a.Cost, b.Cost) })
	return points
}

// Dominates says whether p is at least as good as q both ways.
func (p Point) Dominates(q Point) bool { return p.Cost <= q.Cost && p.Ratio >= q.Ratio }

// Front gives the points that no other beats, by rising cost: the Pareto front.
func Front(points []Point) []Point {
	var front []Point
	sorted := slices.SortedStableFunc(slices.Values(points), func(a, b Point) int {
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(b.Ratio, a.Ratio))
	})
	for _, p := range sorted {
		if n := len(front); n == 0 || p.Ratio > front[n-1].Ratio {
			front = append(front, p)
		}
	}
	return front
}

// Undominated gives the peers that none of ours matches or beats in both cost and
// ratio.
func Undominated(points []Point) []Point {
	var left []Point
	for _, p := range points {
		if p.Role == Peer && !slices.ContainsFunc(points, func(q Point) bool { return q.Role == Ours && q.Dominates(p) }) {
			left = append(left, p)
		}
	}
	return left
}
