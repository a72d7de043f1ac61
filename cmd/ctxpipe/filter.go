package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// filterFlags are what compress and restore have in common.
type filterFlags struct {
	output string
	force  bool
	tellFlags
}

func (f *filterFlags) addTo(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVarP(&f.output, "output", "o", "", "write to `FILE` instead of standard output; it appears only when complete")
	fs.BoolVarP(&f.force, "force", "f", false, "overwrite, write to a terminal; restore: pass on input that nobody recognises")
	f.tellFlags.addTo(fs)
}

// filter copies an input to the output of the flags by way of work, which gives
// the statistics, and lets them be followed meanwhile.
func (f *filterFlags) filter(command string, in *os.File, work func(in, out *os.File, j *job) (pipe.Stats, error)) error {
	out, err := openOutput(f.output, f.force)
	if err != nil {
		return err
	}
	return f.tell(command, isTerminal(out.File), func(j *job) (pipe.Stats, error) {
		stats, err := work(in, out.File, j)
		return stats, out.done(err)
	})
}

// isTerminal says whether a file is a terminal. It asks no pipe, which might take it
// amiss: [os.File.Fd] may change how it waits.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && term.IsTerminal(int(f.Fd()))
}

// feed runs a command on what work writes.
func (f *filterFlags) feed(name string, command []string, work func(out *os.File, j *job) (pipe.Info, pipe.Stats, error)) error {
	return f.tell(name, false, func(j *job) (pipe.Stats, error) {
		// Before the command is there: it sees an end if a signal ends the program.
		defer j.takeSignals()()
		c, err := startChild(command)
		if err != nil {
			return pipe.Stats{}, err
		}
		c.heed(j.ctx)
		info, stats, err := work(c.stdin, j)
		return stats, c.finish(err, info.Guarded)
	})
}
