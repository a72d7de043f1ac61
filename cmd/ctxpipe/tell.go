package main

import (
	"github.com/spf13/pflag"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// tellFlags say what a command that moves a stream tells of it, to whom, and how long it
// waits for its peers.
type tellFlags struct {
	quiet    bool
	verbose  bool
	stats    string
	progress progressFlags
	timeout  timeoutFlag
}

func (f *tellFlags) addTo(fs *pflag.FlagSet) {
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "say at the end what was done")
	fs.StringVar(&f.stats, "stats", "", "write statistics as JSON to `FILE`, - for standard error")
	f.progress.addTo(fs)
	f.timeout.addTo(fs)
}

// tell lets work be followed, unless it is to be quiet, stops it when nothing moves any more, and
// says at the end what was done.
func (f *tellFlags) tell(command string, quiet bool, work func(j *job) (pipe.Stats, error)) error {
	if err := f.timeout.check(); err != nil {
		return err
	}
	j := newJob()
	defer j.stop(nil)
	stop := f.progress.watch(command, quiet || f.quiet, j)
	idle, insist := f.timeout.watch(j), j.insist(stop)
	stats, err := work(j)
	idle()
	insist()
	if err = j.explain(err); err == nil {
		err = f.report(command, stats)
	}
	stop(err)
	return err
}

// report says at the end what was done, to whom the flags say.
func (f *tellFlags) report(command string, stats pipe.Stats) error {
	if f.verbose && !f.quiet {
		sayStats(command, stats)
	}
	if f.stats != "" {
		return writeStats(f.stats, stats)
	}
	return nil
}
