package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/bench/peers"
	"github.com/ctxpipe/ctxpipe/bench/result"
	"github.com/ctxpipe/ctxpipe/bench/saving"
)

// Plan says what is to be measured.
type Plan struct {
	Self      string   // ctxpipe's file name
	Files     []string // save streams, plain or in zstd
	Ways      []peers.Way
	Rounds    int     // of each; what is short has more
	Codecs    bool    // compress each file, and restore it
	Rates     []int64 // to move each file at, in bits a second, 0 without limit; nil for no moves
	SaveSizes []int64 // of contexts to save, in bytes; nil for none
	FlatSizes []int64 // of guests whose streams tell what memory is needed; nil for none
	// Say is told what is being done, in a few words.
	Say func(string)
}

// Measure measures all of it. The first failure ends it, and what cannot be saved or made up fails before anything is measured.
func Measure(ctx context.Context, p Plan) (*result.Run, error) {
	for _, size := range p.SaveSizes {
		if err := saving.Check(size); err != nil {
			return nil, err
		}
	}
	for _, size := range p.FlatSizes {
		if err := madeUp(size).Check(); err != nil {
			return nil, err
		}
	}
	run := &result.Run{Version: result.Version, Started: time.Now().UTC().Round(time.Second), Rounds: p.Rounds, Machine: thisMachine()}
	for _, w := range p.Ways {
		s := w.Subject(ctx)
		if s.Role == result.Ours {
			s.Version = run.Machine.Revision
		}
		run.Subjects = append(run.Subjects, s)
	}
	began := time.Now()
	for _, name := range p.Files {
		if err := p.measureFile(ctx, name, run); err != nil {
			return nil, err
		}
	}
	if err := p.saves(ctx, run); err != nil {
		return nil, err
	}
	if err := p.flat(ctx, run); err != nil {
		return nil, err
	}
	run.Seconds = time.Since(began).Seconds()
	return run, nil
}

func (p *Plan) measureFile(ctx context.Context, name string, run *result.Run) error {
	p.Say("reading " + name)
	in, err := openInput(name)
	if err != nil {
		return err
	}
	defer in.close()
	run.Inputs = append(run.Inputs, in.Input)
	if p.Codecs {
		if err := p.codecs(ctx, in, run); err != nil {
			return errors.Wrap(err, in.Name)
		}
	}
	if len(p.Rates) == 0 {
		return nil
	}
	return errors.Wrap(p.moves(ctx, in, run), in.Name)
}

// only gives the ways that take part in something.
func (p *Plan) only(take func(peers.Way) bool) []peers.Way {
	return slices.DeleteFunc(slices.Clone(p.Ways), func(w peers.Way) bool { return !take(w) })
}

// inTurn does something with each of n subjects, round by round. Each round
// begins with another, so that none always follows the same.
func (p *Plan) inTurn(ctx context.Context, what string, rounds, n int, do func(i int) error) error {
	for round := range rounds {
		p.Say(fmt.Sprintf("%s: round %d of %d", what, round+1, rounds))
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := do((i + round) % n); err != nil {
				return err
			}
		}
	}
	return nil
}
