package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// filterFlags are what compress and restore have in common.
type filterFlags struct {
	output  string
	force   bool
	quiet   bool
	verbose bool
	stats   string

	progress progressFlags
}

func (f *filterFlags) addTo(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVarP(&f.output, "output", "o", "", "write to `FILE` instead of standard output; it appears only when complete")
	fs.BoolVarP(&f.force, "force", "f", false, "overwrite, write to a terminal; restore: pass on input that nobody recognises")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "say at the end what was done")
	fs.StringVar(&f.stats, "stats", "", "write statistics as JSON to `FILE`, - for standard error")
	f.progress.addTo(fs)
}

// filter copies an input to the output of the flags by way of work, which gives
// the statistics, and lets them be followed meanwhile.
func (f *filterFlags) filter(command string, in *os.File, work func(in, out *os.File, j *job) (pipe.Stats, error)) error {
	out, err := openOutput(f.output, f.force)
	if err != nil {
		return err
	}
	var j job
	stop := f.progress.watch(command, f.quiet || isTerminal(out.File), &j)
	stats, err := work(in, out.File, &j)
	if err = out.done(err); err == nil {
		err = f.report(command, stats)
	}
	stop(err)
	return err
}

// isTerminal says whether a file is a terminal. It asks no pipe, which might take it
// amiss: [os.File.Fd] may change how it waits.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && term.IsTerminal(int(f.Fd()))
}

// feed runs a command on what work writes.
func (f *filterFlags) feed(name string, command []string, work func(out *os.File, j *job) (pipe.Info, pipe.Stats, error)) error {
	c, err := startChild(command)
	if err != nil {
		return err
	}
	var j job
	stop := f.progress.watch(name, f.quiet, &j)
	info, stats, err := work(c.stdin, &j)
	if err = c.finish(err, info.Guarded); err == nil {
		err = f.report(name, stats)
	}
	stop(err)
	return err
}

// report says at the end what was done, to whom the flags say.
func (f *filterFlags) report(command string, stats pipe.Stats) error {
	if f.verbose && !f.quiet {
		sayStats(command, stats)
	}
	if f.stats != "" {
		return writeStats(f.stats, stats)
	}
	return nil
}
