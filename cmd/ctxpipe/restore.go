package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/pipe"
)

const restoreHelp = `restore reads FILE, or standard input, and writes the stream that was compressed.

The last part of the stream is held back until everything is verified, so that
a damaged or cut one never comes out whole. Other zstd is restored too, with a
note that only zstd's own checks applied; a Xen save stream or domain context
that is not compressed is passed on, and anything else with -f only.

With --range a part of the stream is read without the rest, from a regular file that
compress made. Each frame of it is verified before it leaves; the others are not
looked at.

  ssh source 'xl save -p guest /dev/stdout | ctxpipe compress' | ctxpipe restore | xl restore /dev/stdin
  ctxpipe restore guest.xlsave.zst -o guest.xlsave
  ctxpipe restore --range 1G:64K guest.xlsave.zst -o part`

func newRestore() *cobra.Command {
	var flags filterFlags
	var resources resourceFlags
	var window windowFlag
	var part byteRange
	cmd := &cobra.Command{
		Use:   "restore [FILE]",
		Short: "Restore what compress made",
		Long:  restoreHelp,
		Args:  oneFile,
	}
	flags.addTo(cmd)
	resources.addTo(cmd.Flags())
	window.addTo(cmd.Flags())
	cmd.Flags().Var(&part, "range", "restore LEN bytes from OFF on, as in 1G:64K; without LEN all from there on")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		opts, err := window.options()
		if err != nil {
			return err
		}
		common, err := resources.options()
		if err != nil {
			return err
		}
		for _, o := range common {
			opts = append(opts, o)
		}
		if flags.force {
			opts = append(opts, pipe.WithForce())
		}
		return withInput(args, func(name string, in *os.File) error {
			return flags.filter("restore", in, func(in, out *os.File) (pipe.Stats, error) {
				if part.text != "" {
					return restoreRange(name, in, out, part, opts, flags.quiet)
				}
				stats, err := restore(name, in, out, opts, flags.quiet)
				return stats, hintWindow(err, resources.memory)
			})
		})
	}
	return cmd
}

func restore(name string, in, out *os.File, opts []pipe.RestoreOption, quiet bool) (pipe.Stats, error) {
	r, err := pipe.NewRestorer(in, opts...)
	if err != nil {
		return pipe.Stats{}, err
	}
	defer r.Close()
	_, err = r.WriteTo(out)
	if err == nil && !quiet {
		sayKind(name, r.Info())
	}
	return r.Stats(), err
}
