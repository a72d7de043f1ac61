package bench

import (
	"context"
	"fmt"

	"github.com/ctxpipe/ctxpipe/bench/link"
	"github.com/ctxpipe/ctxpipe/bench/peers"
	"github.com/ctxpipe/ctxpipe/bench/result"
)

// Over a link of fastRate a move takes a part of a second, and differs by a third from round to round: it has
// fastRounds for each of the others.
const (
	fastRate   = 10e9
	fastRounds = 3
)

// moves moves an input over a link in every way, at every rate.
func (p *Plan) moves(ctx context.Context, in *input, run *result.Run) error {
	ways := p.only(peers.Way.OnLinks)
	l := link.New()
	defer l.Close()
	for _, rate := range p.Rates {
		if err := l.SetRate(rate); err != nil {
			return err
		}
		measured := make([]result.Move, len(ways))
		rounds := p.Rounds
		if rate == 0 || rate >= fastRate {
			rounds *= fastRounds
		}
		err := p.inTurn(ctx, fmt.Sprintf("%s: moving at %s", in.Name, result.RateName(rate)), rounds, len(ways), func(i int) error {
			sample, err := move(ctx, ways[i], in, l)
			if err != nil {
				return err
			}
			m := &measured[i]
			m.Input, m.Subject, m.Rate = in.Name, ways[i].Name, rate
			m.Samples = append(m.Samples, sample)
			return nil
		})
		if err != nil {
			return err
		}
		run.Moves = append(run.Moves, measured...)
	}
	info := l.Info()
	run.Link = &info
	return nil
}
