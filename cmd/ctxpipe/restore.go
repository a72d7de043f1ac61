package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/pipe"
)

const restoreHelp = `restore reads FILE, or standard input, and writes the stream that was compressed.

The last part of the stream is held back until everything is verified, so that
a damaged or cut one never comes out whole: of a save stream of Xen all from libxc's
END on, without which no guest starts. Other zstd is restored too, with a
note that only zstd's own checks applied; a Xen save stream or domain context
that is not compressed is passed on, and anything else with -f only.

With --range a part of the stream is read without the rest, from a regular file that
compress made. Each frame of it is verified before it leaves; the others are not
looked at.

With a COMMAND behind --, that command is run with the stream as its standard input,
and its exit status is restore's own. What of a Xen stream would start the guest is held
back until everything is verified. After a failure the command sees the end of its
input only inside such a stream, where Xen gives the guest up; of any other payload
it is killed before.`

const restoreExamples = `  ssh source 'xl save -p guest /dev/stdout | ctxpipe compress' | ctxpipe restore -- xl restore /dev/stdin
  ctxpipe restore guest.zst -- xl restore /dev/stdin
  ctxpipe restore guest.zst -o restored.xlsave
  ctxpipe restore --range 100K:64K guest.zst | sha256sum`

func newRestore() *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use:     "restore [FILE] [-- COMMAND [ARG...]]",
		Short:   "Restore what compress made",
		Long:    restoreHelp,
		Example: restoreExamples,
		Args:    fileAndCommand,
	}
	f.addTo(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		args, command := splitCommand(cmd, args)
		opts, err := f.options()
		if err != nil {
			return err
		}
		if command != nil && (f.output != "" || f.part.text != "") {
			return usagef("neither -o nor --range has a use with a COMMAND")
		}
		return withInput(args, func(name string, in *os.File) error { return f.restore(name, in, command, opts) })
	}
	return cmd
}

// restoreFlags are restore's.
type restoreFlags struct {
	filterFlags
	resources resourceFlags
	window    windowFlag
	check     checkFlag
	hold      holdFlag
	part      byteRange
}

func (f *restoreFlags) addTo(cmd *cobra.Command) {
	f.filterFlags.addTo(cmd)
	f.resources.addTo(cmd.Flags())
	f.window.addTo(cmd.Flags())
	f.check.addTo(cmd.Flags())
	f.hold.addTo(cmd.Flags())
	cmd.Flags().Var(&f.part, "range", "restore LEN bytes from OFF on, as in 1G:64K; without LEN all from there on")
}

// options gives the options of the flags.
func (f *restoreFlags) options() ([]pipe.RestoreOption, error) {
	opts, err := f.window.options()
	if err != nil {
		return nil, err
	}
	held, err := f.hold.options()
	if err != nil {
		return nil, err
	}
	opts = append(opts, held...)
	common, err := commonOptions(&f.resources, &f.check)
	if err != nil {
		return nil, err
	}
	for _, o := range common {
		opts = append(opts, o)
	}
	if f.force {
		opts = append(opts, pipe.WithForce())
	}
	return opts, nil
}

// restore restores an input to where the flags say, or into a command if there is one.
func (f *restoreFlags) restore(name string, in *os.File, command []string, opts []pipe.RestoreOption) error {
	if command != nil {
		return f.feed("restore", command, func(out *os.File, j *job) (pipe.Info, pipe.Stats, error) {
			info, stats, err := restore(name, in, out, opts, f.quiet, j)
			return info, stats, hintWindow(err, f.resources.memory)
		})
	}
	return f.filter("restore", in, func(in, out *os.File, j *job) (pipe.Stats, error) {
		if f.part.text != "" {
			return restoreRange(name, in, out, f.part, opts, f.quiet, j)
		}
		_, stats, err := restore(name, in, out, opts, f.quiet, j)
		return stats, hintWindow(err, f.resources.memory)
	})
}

func restore(name string, in, out *os.File, opts []pipe.RestoreOption, quiet bool, j *job) (pipe.Info, pipe.Stats, error) {
	r, err := pipe.NewRestorer(in, append(opts, pipe.WithContext(j.ctx))...)
	if err != nil {
		return pipe.Info{}, pipe.Stats{}, optionError(err)
	}
	defer r.Close()
	j.follow(r.Stats, 0, restOf(in))
	_, err = r.WriteTo(out)
	j.over.Store(true)
	if err == nil && !quiet {
		sayKind(name, r.Info())
	}
	return r.Info(), r.Stats(), err
}

// fileAndCommand takes at most one argument, the name of the input, before --.
func fileAndCommand(cmd *cobra.Command, args []string) error {
	files, command := splitCommand(cmd, args)
	if cmd.ArgsLenAtDash() >= 0 && len(command) == 0 {
		return usagef("no COMMAND behind --")
	}
	return oneFile(cmd, files)
}

// splitCommand gives the arguments before -- and those behind it, nil if there is
// none.
func splitCommand(cmd *cobra.Command, args []string) (files, command []string) {
	if n := cmd.ArgsLenAtDash(); n >= 0 {
		return args[:n], args[n:]
	}
	return args, nil
}
