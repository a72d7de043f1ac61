package main

import (
	"runtime/debug"

	"github.com/pkg/errors"
	"github.com/spf13/pflag"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/pipe"
)

// resourceFlags bound what compress and restore take of the machine.
type resourceFlags struct {
	threads int
	memory  byteSize
}

func (f *resourceFlags) addTo(fs *pflag.FlagSet) {
	fs.IntVarP(&f.threads, "threads", "T", 0, "how many frames to work on at once; 0: as many as there are processors")
	fs.Var(&f.memory, "memory", "most memory to use, as in 32M; fewer threads and smaller chunks keep to it")
}

// runtimeShare is what the program itself needs beside a filter's buffers:
// code, Go's runtime, and garbage that was not collected yet.
const runtimeShare = 12 << 20

// options gives the options of the flags.
func (f *resourceFlags) options() ([]pipe.CommonOption, error) {
	var opts []pipe.CommonOption
	if f.threads < 0 || f.threads > pipe.MaxWorkers {
		return nil, usagef("-T takes 0 to %d, not %d", pipe.MaxWorkers, f.threads)
	}
	if f.threads > 0 {
		opts = append(opts, pipe.WithWorkers(f.threads))
	}
	if f.memory > 0 {
		if f.memory <= runtimeShare {
			return nil, usagef("--memory takes more than %s, which the program needs for itself", size(runtimeShare))
		}
		// The collector works harder before it exceeds this.
		debug.SetMemoryLimit(int64(f.memory) - 4<<20)
		opts = append(opts, pipe.WithMemory(int64(f.memory)-runtimeShare))
	}
	return opts, nil
}

// optionError makes a slip of whoever typed the command of what a filter says
// about its options. All but the memory was judged before.
func optionError(err error) error {
	if errors.Is(err, frame.ErrMisuse) {
		return &usageError{errors.Wrap(err, "--memory is too little"), "give it more, or take a smaller --chunk"}
	}
	return err
}
