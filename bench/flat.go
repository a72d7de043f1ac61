package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/ctxpipe/ctxpipe/bench/gen"
	"github.com/ctxpipe/ctxpipe/bench/peers"
	"github.com/ctxpipe/ctxpipe/bench/proc"
	"github.com/ctxpipe/ctxpipe/bench/result"
	"github.com/ctxpipe/ctxpipe/internal/guestmem"
)

// mostFlatRounds is how many rounds a shorter stream has at the most for each of the longest.
const mostFlatRounds = 4

// flat compresses and restores streams of growing length, made up on their way,
// to see what memory that takes. The most of it is what counts, and it is up to chance when in
// a stream that is: so a shorter stream has more rounds, for as many bytes in all.
func (p *Plan) flat(ctx context.Context, run *result.Run) error {
	for _, size := range p.FlatSizes {
		rounds := p.Rounds * int(min(mostFlatRounds, slices.Max(p.FlatSizes)/size))
		measured := make([]result.Flat, len(p.Ways))
		err := p.inTurn(ctx, fmt.Sprintf("memory for %d bytes", size), rounds, len(p.Ways), func(i int) error {
			m := &measured[i]
			m.Subject, m.Bytes = p.Ways[i].Name, size
			return passMadeUp(ctx, p.Ways[i], size, m)
		})
		if err != nil {
			return err
		}
		run.Flat = append(run.Flat, measured...)
	}
	return nil
}

// madeUp is the guest of so much memory whose stream is made up.
func madeUp(size int64) gen.Guest {
	return gen.Guest{Memory: size, Mix: guestmem.Usual, Seed: 1, Passes: 1}
}

// passMadeUp runs gen | compressor | decompressor.
func passMadeUp(ctx context.Context, way peers.Way, size int64, m *result.Flat) error {
	in, made, err := os.Pipe()
	if err != nil {
		return err
	}
	middle, packed, err := os.Pipe()
	if err != nil {
		in.Close()
		made.Close()
		return err
	}
	var work errgroup.Group
	work.Go(func() error { return watched(ctx, way.Compress, in, packed, &m.Compress) })
	work.Go(func() error { return watched(ctx, way.Restore, middle, nil, &m.Restore) })
	work.Go(func() error {
		_, err := madeUp(size).WriteTo(made)
		made.Close()
		return err
	})
	return work.Wait()
}

// watched runs a command between two files, which it closes.
func watched(ctx context.Context, c proc.Command, in, out *os.File, samples *[]result.Sample) error {
	p, err := proc.Start(ctx, c, in, out)
	for _, f := range []io.Closer{in, out} {
		if f != (*os.File)(nil) {
			f.Close()
		}
	}
	if err != nil {
		return err
	}
	p.Watch()
	cost, err := p.Wait()
	*samples = append(*samples, sampleOf(0, cost))
	return err
}
