package main

import (
	"fmt"

	"github.com/pkg/errors"
	"github.com/spf13/pflag"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// windowFlag admits streams of other zstd that need much memory.
type windowFlag struct{ max byteSize }

// mostWindow is the largest window that a Restorer can be told to accept.
const mostWindow = 1 << 30

func (f *windowFlag) addTo(fs *pflag.FlagSet) {
	fs.Var(&f.max, "max-window", "largest window of other zstd to accept, up to 1G; it takes up to twice that in memory (default 128M)")
}

// options gives the options of the flag.
func (f *windowFlag) options() ([]pipe.RestoreOption, error) {
	if f.max == 0 {
		return nil, nil
	}
	if f.max < pipe.DefaultChunk || f.max > mostWindow {
		return nil, usagef("--max-window takes 2M to 1G, not %v", &f.max)
	}
	return []pipe.RestoreOption{pipe.WithMaxWindow(int64(f.max))}, nil
}

// hintWindow adds to the error about a window that is too large what would admit
// it, given the memory that was allowed, 0 if that is all.
func hintWindow(err error, memory byteSize) error {
	var w *pipe.WindowError
	if !errors.As(err, &w) || w.Window > mostWindow {
		return err
	}
	hint := fmt.Sprintf("--max-window %s admits it", shortSize(int64(w.Window)))
	// A Restorer spends a third of its memory on a window.
	if need := 3*int64(w.Window) + runtimeShare; memory > 0 && int64(memory) < need {
		hint = fmt.Sprintf("--max-window %s with --memory %s admits it", shortSize(int64(w.Window)), shortSize(need))
	}
	return &hinted{err, hint}
}
