package bench

import (
	"context"
	"fmt"

	"github.com/ctxpipe/ctxpipe/bench/link"
	"github.com/ctxpipe/ctxpipe/bench/peers"
	"github.com/ctxpipe/ctxpipe/bench/result"
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
		err := p.inTurn(ctx, fmt.Sprintf("%s: moving at %s", in.Name, result.RateName(rate)), p.Rounds, len(ways), func(i int) error {
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
