package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/bench/proc"
	"github.com/ctxpipe/ctxpipe/bench/result"
	"github.com/ctxpipe/ctxpipe/bench/saving"
)

// SaveCommand is the hidden command that saves one context, in a process of its own so
// that its peak memory means something: SaveCommand WAY BYTES, the context
// to standard output, what it took to standard error.
const SaveCommand = "bench-save"

// A save of up to smallSave bytes takes next to no time, and that differs most from round to round: it has
// smallSaveRounds for each of the others.
const (
	smallSave       = 16 << 20
	smallSaveRounds = 5
)

// saves saves contexts of every size in every way.
func (p *Plan) saves(ctx context.Context, run *result.Run) error {
	for _, size := range p.SaveSizes {
		ways := saving.Ways()
		measured := make([]result.Save, len(ways))
		rounds := p.Rounds
		if size <= smallSave {
			rounds *= smallSaveRounds
		}
		err := p.inTurn(ctx, fmt.Sprintf("saving %d bytes", size), rounds, len(ways), func(i int) error {
			sample, err := p.save(ctx, ways[i], size)
			measured[i].Way, measured[i].Bytes = ways[i].Name, size
			measured[i].Samples = append(measured[i].Samples, sample)
			return err
		})
		if err != nil {
			return err
		}
		run.Saves = append(run.Saves, measured...)
	}
	return nil
}

// save saves once, into a pipe that is drained or, where the way asks for it, into
// a file.
func (p *Plan) save(ctx context.Context, way saving.Way, size int64) (result.SaveSample, error) {
	c := proc.Command{p.Self, SaveCommand, way.Name, fmt.Sprint(size)}
	var s result.SaveSample
	var said string
	var n int64
	var err error
	if way.ToFile {
		said, n, err = saveToFile(ctx, c)
	} else {
		said, n, err = saveToPipe(ctx, c)
	}
	if err == nil {
		err = errors.Wrap(json.Unmarshal([]byte(said), &s), c.String())
	}
	if err == nil && n < size {
		err = errors.Errorf("%s gave %d bytes of %d", way.Name, n, size)
	}
	return s, err
}

func saveToFile(ctx context.Context, c proc.Command) (said string, n int64, err error) {
	out, err := proc.Scratch()
	if err != nil {
		return "", 0, err
	}
	defer out.Close()
	p, err := proc.Start(ctx, c, nil, out)
	if err != nil {
		return "", 0, err
	}
	if _, err := p.Wait(); err != nil {
		return "", 0, err
	}
	info, err := out.Stat()
	if err != nil {
		return "", 0, err
	}
	return p.Said(), info.Size(), nil
}

func saveToPipe(ctx context.Context, c proc.Command) (said string, n int64, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	p, err := proc.Start(ctx, c, nil, w)
	w.Close()
	if err != nil {
		return "", 0, err
	}
	n, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 1<<20))
	if _, e := p.Wait(); e != nil {
		err = e
	}
	return p.Said(), n, err
}
