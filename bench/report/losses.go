package report

import (
	"fmt"
	"strings"

	"github.com/ctxpipe/ctxpipe/bench/result"
)

// Group is what is claimed of several things alike, and of how many of them it
// was met.
type Group struct {
	Name    string
	Met, Of int
	Losses  []string // sentences about those it was not
}

// Groups gives the claims of a run by what they claim.
func Groups(r *result.Run) []Group {
	var all []Group
	for _, c := range Claims(r) {
		if n := len(all); n == 0 || all[n-1].Name != c.Group {
			all = append(all, Group{Name: c.Group})
		}
		g := &all[len(all)-1]
		g.Of++
		if c.Met {
			g.Met++
		} else {
			g.Losses = append(g.Losses, c.Measured)
		}
	}
	return all
}

// memoryLosses names the peers that need less memory than the level that needs the
// least. Nothing is claimed about that, and it is a loss all the same.
func memoryLosses(r *result.Run) []string {
	var all []string
	for _, in := range r.Inputs {
		for _, d := range []struct {
			what    string
			samples func(result.Codec) []result.Sample
		}{
			{"compressing", func(c result.Codec) []result.Sample { return c.Compress }},
			{"restoring", func(c result.Codec) []result.Sample { return c.Restore }},
		} {
			if s := memoryLoss(r, in, d.what, d.samples); s != "" {
				all = append(all, s)
			}
		}
	}
	return all
}

func memoryLoss(r *result.Run, in result.Input, what string, samples func(result.Codec) []result.Sample) string {
	least, name := 0.0, ""
	peaks := func(role result.Role, do func(subject string, peak float64)) {
		for _, c := range r.Codecs {
			if c.Input == in.Name && r.Subject(c.Subject).Role == role {
				do(c.Subject, result.SpreadOf(samples(c), result.Peak).Median)
			}
		}
	}
	peaks(result.Ours, func(subject string, peak float64) {
		if name == "" || peak < least {
			least, name = peak, subject
		}
	})
	var smaller []string
	peaks(result.Peer, func(subject string, peak float64) {
		if peak > 0 && peak < least {
			smaller = append(smaller, fmt.Sprintf("%s %s", subject, mebibytes(peak)))
		}
	})
	if len(smaller) == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s: %s MiB by %s, the least of all levels; less is taken by %s.", in.Name, what, mebibytes(least), name, strings.Join(smaller, ", "))
}
