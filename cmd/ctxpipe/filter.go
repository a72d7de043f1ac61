package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// filterFlags are what compress and restore have in common.
type filterFlags struct {
	output  string
	force   bool
	quiet   bool
	verbose bool
	stats   string
}

func (f *filterFlags) addTo(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVarP(&f.output, "output", "o", "", "write to `FILE` instead of standard output; it appears only when complete")
	fs.BoolVarP(&f.force, "force", "f", false, "overwrite, write to a terminal; restore: pass on input that nobody recognises")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing but errors")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "say at the end what was done")
	fs.StringVar(&f.stats, "stats", "", "write statistics as JSON to `FILE`, - for standard error")
}

// filter copies an input to the output of the flags by way of work, which gives
// the statistics.
func (f *filterFlags) filter(command string, in *os.File, work func(in, out *os.File) (pipe.Stats, error)) error {
	out, err := openOutput(f.output, f.force)
	if err != nil {
		return err
	}
	stats, err := work(in, out.File)
	if err := out.done(err); err != nil {
		return err
	}
	return f.report(command, stats)
}

// feed runs a command on what work writes.
func (f *filterFlags) feed(name string, command []string, work func(out *os.File) (pipe.Info, pipe.Stats, error)) error {
	c, err := startChild(command)
	if err != nil {
		return err
	}
	info, stats, err := work(c.stdin)
	if err := c.finish(err, info.Guarded); err != nil {
		return err
	}
	return f.report(name, stats)
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
