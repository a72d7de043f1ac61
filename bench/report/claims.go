package report

import (
	"fmt"
	"slices"

	"github.com/ctxpipe/ctxpipe/bench/result"
	"github.com/ctxpipe/ctxpipe/bench/saving"
)

// Claim is something that ctxpipe is to show, and what was measured of it.
type Claim struct {
	Group    string // what is claimed, of several things alike
	Met      bool
	Measured string // in words
}

// The bounds of the claims.
const (
	mostOfBestPeer  = 1.03 // time of a move
	leastOfRestore  = 1.8  // times as fast as the peer
	mostOfPlainSave = 1.10 // time
	leastOfBuffered = 100  // times less memory
	mostOfShorter   = 1.10 // memory, for the longest stream

	restoredBy     = "ctxpipe fastest"
	restorePeer    = "zstd -1"
	restoreCommand = "zstd -d"

	idleFilter = "cat at both ends"
)

// What is claimed.
var (
	beatsPeers   = fmt.Sprintf("Over a link, level auto takes at most %g times as long as the best peer at that rate", mostOfBestPeer)
	beatsPlain   = "Over a link, level auto takes no longer than plain"
	onTheFront   = "For each peer some level takes no more CPU and packs no worse"
	restoresFast = fmt.Sprintf("Restoring is at least %g times as fast as `%s`", leastOfRestore, restoreCommand)
	staysFlat    = "Memory does not follow the stream's length"
	plansFast    = fmt.Sprintf("A planned save takes at most %g times as long as plain writes", mostOfPlainSave)
	plansSmall   = fmt.Sprintf("A planned save takes at most 1/%d of the memory that a bytes.Buffer takes", leastOfBuffered)
)

// Claims gives all claims that a run can say something about.
func Claims(r *result.Run) []Claim {
	var all []Claim
	for _, part := range []func(*result.Run, result.Input) []Claim{moveClaims, codecClaims, restoreClaims} {
		for _, in := range r.Inputs {
			all = append(all, part(r, in)...)
		}
	}
	all = append(append(all, flatClaims(r)...), saveClaims(r)...)
	// Those of a group together, groups as they first come.
	var groups []string
	for _, c := range all {
		if !slices.Contains(groups, c.Group) {
			groups = append(groups, c.Group)
		}
	}
	slices.SortStableFunc(all, func(a, b Claim) int { return slices.Index(groups, a.Group) - slices.Index(groups, b.Group) })
	return all
}

// moveClaims holds what of ours goes over links against the best peer and plain.
func moveClaims(r *result.Run, in result.Input) []Claim {
	var all []Claim
	for _, rate := range rates(r, in) {
		peer, plain := quickest(r, in, rate, result.Peer), quickest(r, in, rate, result.Plain)
		for _, s := range r.Subjects {
			ours, ok := moved(r, in.Name, s.Name, rate)
			if s.Role != result.Ours || !ok {
				continue
			}
			at := fmt.Sprintf("%s at %s", in.Name, result.RateName(rate))
			if peer != "" {
				all = append(all, slower(beatsPeers, at, s.Name, ours, peer, mustMove(r, in, peer, rate), mostOfBestPeer))
			}
			if plain != "" {
				c := slower(beatsPlain, at, s.Name, ours, plain, mustMove(r, in, plain, rate), 1)
				if idle, ok := moved(r, in.Name, idleFilter, rate); ok {
					c.Measured += fmt.Sprintf(" %s, which does nothing, takes %s s.", idleFilter, spread(idle))
				}
				all = append(all, c)
			}
		}
	}
	return all
}

// slower claims that ours takes no longer than so many times another's time.
func slower(group, at, name string, ours result.Spread, other string, theirs result.Spread, most float64) Claim {
	times := ours.Median / theirs.Median
	return Claim{
		Group: group, Met: times <= most,
		Measured: fmt.Sprintf("%s: %s takes %s s, %s %s s, %.2f times as long.", at, other, spread(theirs), name, spread(ours), times),
	}
}

// quickest gives who of a role moves an input in the least time, "" if nobody does.
func quickest(r *result.Run, in result.Input, rate int64, role result.Role) (best string) {
	least := 0.0
	for _, s := range r.Subjects {
		m, ok := moved(r, in.Name, s.Name, rate)
		if ok && s.Role == role && (best == "" || m.Median < least) {
			best, least = s.Name, m.Median
		}
	}
	return best
}

// mustMove is moved for who is known to have moved.
func mustMove(r *result.Run, in result.Input, subject string, rate int64) result.Spread {
	s, _ := moved(r, in.Name, subject, rate)
	return s
}

// codecClaims wants a level beside every peer.
func codecClaims(r *result.Run, in result.Input) []Claim {
	var all []Claim
	points := r.Points(in.Name)
	left := result.Undominated(points)
	for _, p := range points {
		if p.Role == result.Peer {
			all = append(all, Claim{
				Group: onTheFront, Met: !slices.Contains(left, p),
				Measured: fmt.Sprintf("%s: %s packs %.2f to 1 for %s CPU s/GB; %s.", in.Name, p.Subject, p.Ratio, short(p.Cost), nearest(points, p)),
			})
		}
	}
	return all
}

// nearest says what of ours comes next to a peer's point: what takes no more, and what
// packs as well.
func nearest(points []result.Point, p result.Point) string {
	worse, dearer := "no level is as cheap", "no level packs as well"
	for _, q := range points { // by rising cost
		switch {
		case q.Role != result.Ours:
		case q.Cost <= p.Cost:
			worse = fmt.Sprintf("for no more CPU %s packs %.2f to 1", q.Subject, q.Ratio)
		case q.Ratio >= p.Ratio:
			return worse + fmt.Sprintf(", %s packs as well for %s", q.Subject, short(q.Cost))
		}
	}
	return worse + ", " + dearer
}

func restoreClaims(r *result.Run, in result.Input) []Claim {
	ours, theirs := restoreTime(r, in, restoredBy), restoreTime(r, in, restorePeer)
	if ours.Median == 0 || theirs.Median == 0 {
		return nil
	}
	times := theirs.Median / ours.Median
	return []Claim{{
		Group: restoresFast, Met: times >= leastOfRestore,
		Measured: fmt.Sprintf("%s: `%s` restores what %s made in %s s, ctxpipe what %s made in %s s, with all checks: %.2f times as fast.",
			in.Name, restoreCommand, restorePeer, spread(theirs), restoredBy, spread(ours), times),
	}}
}

func restoreTime(r *result.Run, in result.Input, subject string) result.Spread {
	for _, c := range r.Codecs {
		if c.Input == in.Name && c.Subject == subject {
			return result.SpreadOf(c.Restore, result.Wall)
		}
	}
	return result.Spread{}
}

// flatClaims demands that the longest stream takes no more memory than the one
// before, in whatever round. The shortest may not fill all buffers.
func flatClaims(r *result.Run) []Claim {
	sizes := flatSizes(r)
	if len(sizes) < 2 {
		return nil
	}
	before, longest := sizes[len(sizes)-2], sizes[len(sizes)-1]
	var all []Claim
	for _, s := range r.Subjects {
		c0, d0, _ := flatPeaks(r, s.Name, before)
		c1, d1, ok := flatPeaks(r, s.Name, longest)
		if s.Role != result.Ours || !ok {
			continue
		}
		all = append(all, Claim{
			Group: staysFlat, Met: c1 <= mostOfShorter*c0 && d1 <= mostOfShorter*d0,
			Measured: fmt.Sprintf("%s: %s MiB to compress and %s MiB to restore %s, %s and %s MiB for %s.",
				s.Name, mebibytes(c1), mebibytes(d1), byteName(longest), mebibytes(c0), mebibytes(d0), byteName(before)),
		})
	}
	return all
}

func saveClaims(r *result.Run) []Claim {
	var all []Claim
	var largest int64
	for _, s := range r.Saves {
		plain, ok := saved(r, saving.PlainPipe, s.Bytes)
		if s.Way != saving.Planned || !ok {
			continue
		}
		ours, _ := saved(r, saving.Planned, s.Bytes)
		largest = max(largest, s.Bytes)
		all = append(all, Claim{
			Group: plansFast, Met: ours.wall <= mostOfPlainSave*plain.wall,
			Measured: fmt.Sprintf("%s: %s ms planned, %s ms for plain writes, %.2f times as long.",
				byteName(s.Bytes), short(1000*ours.wall), short(1000*plain.wall), ours.wall/plain.wall),
		})
	}
	ours, ok := saved(r, saving.Planned, largest)
	theirs, also := saved(r, saving.Buffered, largest)
	if ok && also {
		all = append(all, Claim{
			Group: plansSmall, Met: theirs.peak >= leastOfBuffered*ours.peak,
			Measured: fmt.Sprintf("%s: %s MiB planned, %s MiB by a bytes.Buffer, 1/%.0f.", byteName(largest), mebibytes(ours.peak), mebibytes(theirs.peak), theirs.peak/ours.peak),
		})
	}
	return all
}
