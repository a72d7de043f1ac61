package bench

import (
	"context"
	"os"
	"time"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/bench/peers"
	"github.com/ctxpipe/ctxpipe/bench/proc"
	"github.com/ctxpipe/ctxpipe/bench/result"
)

// codecs compresses an input in every way from file to file, and restores it to
// nowhere. Before that each has to give the input back.
func (p *Plan) codecs(ctx context.Context, in *input, run *result.Run) error {
	ways := p.only(peers.Way.OnFiles)
	measured := make([]result.Codec, len(ways))
	for i, w := range ways {
		p.Say(in.Name + ": checking " + w.Name)
		measured[i] = result.Codec{Input: in.Name, Subject: w.Name}
		if err := checkRoundTrip(ctx, w, in); err != nil {
			return err
		}
	}
	err := p.inTurn(ctx, in.Name+": compress and restore", p.Rounds, len(ways), func(i int) error {
		return roundTrip(ctx, ways[i], in, &measured[i])
	})
	run.Codecs = append(run.Codecs, measured...)
	return err
}

// roundTrip measures both directions once.
func roundTrip(ctx context.Context, w peers.Way, in *input, c *result.Codec) error {
	packed, sample, err := compressed(ctx, w, in)
	if err != nil {
		return err
	}
	defer packed.Close()
	info, err := packed.Stat()
	if err != nil {
		return err
	}
	c.Packed = info.Size()
	c.Compress = append(c.Compress, sample)
	if sample, err = timed(ctx, w.Restore, packed, nil); err == nil {
		c.Restore = append(c.Restore, sample)
	}
	return err
}

// compressed gives what a way makes of an input, and what that took.
func compressed(ctx context.Context, w peers.Way, in *input) (*os.File, result.Sample, error) {
	packed, err := proc.Scratch()
	if err != nil {
		return nil, result.Sample{}, err
	}
	sample, err := timed(ctx, w.Compress, in.file, packed)
	if err != nil {
		packed.Close()
		return nil, sample, err
	}
	return packed, sample, nil
}

// timed runs a command on a whole file.
func timed(ctx context.Context, c proc.Command, in, out *os.File) (result.Sample, error) {
	if err := rewind(in); err != nil {
		return result.Sample{}, err
	}
	began := time.Now()
	cost, err := proc.Run(ctx, c, in, out)
	return sampleOf(time.Since(began), cost), err
}

func sampleOf(wall time.Duration, c proc.Cost) result.Sample {
	return result.Sample{Wall: wall.Seconds(), User: c.User, System: c.System, Peak: c.Peak}
}

// checkRoundTrip demands that a way gives the input back.
func checkRoundTrip(ctx context.Context, w peers.Way, in *input) error {
	packed, _, err := compressed(ctx, w, in)
	if err != nil {
		return err
	}
	defer packed.Close()
	if err := rewind(packed); err != nil {
		return err
	}
	r, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	p, err := proc.Start(ctx, w.Restore, packed, out)
	out.Close()
	if err != nil {
		return err
	}
	n, digest, err := digestOf(r)
	if _, e := p.Wait(); e != nil {
		return e
	}
	if err == nil && (n != in.Bytes || digest != in.SHA256) {
		err = errors.Errorf("%s does not give back what it was given: %d bytes of %d", w.Name, n, in.Bytes)
	}
	return err
}
