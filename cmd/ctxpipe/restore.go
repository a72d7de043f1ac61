package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/pipe"
)

func newRestore() *cobra.Command {
	var flags filterFlags
	cmd := &cobra.Command{
		Use:   "restore [FILE]",
		Short: "Restore what compress made",
		Long: `restore reads FILE, or standard input, and writes the stream that was compressed.

The last part of the stream is held back until everything is verified, so that
a damaged or cut one never comes out whole. Other zstd is restored too, with a
note that only zstd's own checks applied; a Xen save stream or domain context
that is not compressed is passed on, and anything else with -f only.

  ssh source 'xl save -p guest /dev/stdout | ctxpipe compress' | ctxpipe restore | xl restore /dev/stdin
  ctxpipe restore guest.xlsave.zst -o guest.xlsave`,
		Args: oneFile,
	}
	flags.addTo(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		return withInput(args, func(name string, in *os.File) error {
			return flags.filter("restore", in, func(in, out *os.File) (pipe.Stats, error) {
				return restore(name, in, out, flags)
			})
		})
	}
	return cmd
}

func restore(name string, in, out *os.File, flags filterFlags) (pipe.Stats, error) {
	var opts []pipe.RestoreOption
	if flags.force {
		opts = append(opts, pipe.WithForce())
	}
	r, err := pipe.NewRestorer(in, opts...)
	if err != nil {
		return pipe.Stats{}, err
	}
	defer r.Close()
	_, err = r.WriteTo(out)
	if err == nil && !flags.quiet {
		sayKind(name, r.Info())
	}
	return r.Stats(), err
}
