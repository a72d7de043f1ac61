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

// restores is how often each round restores what it has compressed, which takes a part of the time.
const restores = 3

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

// roundTrip measures both directions.
func roundTrip(ctx context.Context, w peers.Way, in *input, c *result.Codec) error {
	packed, err := proc.Scratch()
	if err != nil {
		return err
	}
	defer packed.Close()
	sample, err := sampled(ctx, w.Compress, in.file, packed)
	if err != nil {
		return err
	}
	info, err := packed.Stat()
	if err != nil {
		return err
	}
	c.Packed = info.Size()
	c.Compress = append(c.Compress, sample)
	for range restores {
		if sample, err = sampled(ctx, w.Restore, packed, nil); err != nil {
			return err
		}
		c.Restore = append(c.Restore, sample)
	}
	return nil
}

// sampled runs a command on a whole file twice: once to see what memory it takes, and once for the time, which
// being watched would make longer.
func sampled(ctx context.Context, c proc.Command, in, out *os.File) (result.Sample, error) {
	watched, err := pass(ctx, c, in, out, true)
	if err != nil {
		return watched, err
	}
	sample, err := pass(ctx, c, in, out, false)
	sample.Peak = watched.Peak
	return sample, err
}

// pass runs a command on a whole file, into an empty one or to nowhere.
func pass(ctx context.Context, c proc.Command, in, out *os.File, watch bool) (result.Sample, error) {
	if err := rewind(in); err != nil {
		return result.Sample{}, err
	}
	if out != nil {
		if err := empty(out); err != nil {
			return result.Sample{}, err
		}
	}
	began := time.Now()
	p, err := proc.Start(ctx, c, in, out)
	if err != nil {
		return result.Sample{}, err
	}
	if watch {
		p.Watch()
	}
	cost, err := p.Wait()
	return sampleOf(time.Since(began), cost), err
}

// empty takes back what was written to a file.
func empty(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	return rewind(f)
}

func sampleOf(wall time.Duration, c proc.Cost) result.Sample {
	return result.Sample{Wall: wall.Seconds(), User: c.User, System: c.System, Peak: c.Peak}
}

// checkRoundTrip demands that a way gives the input back.
func checkRoundTrip(ctx context.Context, w peers.Way, in *input) error {
	packed, err := proc.Scratch()
	if err != nil {
		return err
	}
	defer packed.Close()
	if _, err := pass(ctx, w.Compress, in.file, packed, false); err != nil {
		return err
	}
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
