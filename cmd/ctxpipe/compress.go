package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/pipe"
)

const compressHelp = `compress reads FILE, or standard input, and writes zstd that any zstd can read.

The seal at its end is written only if the input came to its end, and, where the input
is a save stream of Xen, if that is whole. A stream without it is refused by restore.

Level auto, for links, spends as much on each frame as the slower side leaves
time for. elide only takes out what is zero, fast is for few processors on a
fast link, and fastest, default, better and best are zstd's; -1 to -9 stand for these
four as they do in zstd. With --chunk 24M, better finds what repeats far apart too, as
zstd --long does, and takes about as much memory: 150 MiB, and as much to restore.

With -t it tests compressed files, each to its end: exit status 0 says that all of
them are good. With -l it lists them without decoding, which finds what is cut, lost
or out of order, but not what is wrong inside a frame. Both take any number of
files, and other zstd too.`

const compressExamples = `  xl save -p guest /dev/stdout | ctxpipe compress | ssh dest 'ctxpipe restore -- xl restore /dev/stdin'
  ctxpipe compress guest.xlsave -o guest.xlsave.zst
  xl save -p guest /dev/stdout | ctxpipe compress --level better -v -o better.zst
  ctxpipe compress -t *.zst
  ctxpipe compress -l --json *.zst | jq 'select(.kind != "sealed").name'`

func newCompress() *cobra.Command {
	var flags filterFlags
	var effort effortFlags
	var resources resourceFlags
	var look lookFlags
	var check checkFlag
	cmd := &cobra.Command{
		Use:     "compress [FILE]",
		Short:   "Compress a stream into sealed zstd, test or list such files",
		Long:    compressHelp,
		Example: compressExamples,
		Args:    look.args,
	}
	flags.addTo(cmd)
	effort.addTo(cmd)
	resources.addTo(cmd.Flags())
	look.addTo(cmd.Flags())
	check.addTo(cmd.Flags())
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if err := look.check(cmd.Flags()); err != nil {
			return err
		}
		if look.on() {
			return runLook(args, &flags, &look, &resources)
		}
		common, err := commonOptions(&resources, &check)
		if err != nil {
			return err
		}
		return withInput(args, func(_ string, in *os.File) error {
			return flags.filter("compress", in, func(in, out *os.File, j *job) (pipe.Stats, error) {
				opts, err := effort.options(out)
				if err != nil {
					return pipe.Stats{}, err
				}
				for _, o := range common {
					opts = append(opts, o)
				}
				return compress(in, out, opts, j)
			})
		})
	}
	return cmd
}

func compress(in, out *os.File, opts []pipe.Option, j *job) (pipe.Stats, error) {
	c, err := pipe.NewCompressor(out, append(opts, pipe.WithContext(j.ctx))...)
	if err != nil {
		return pipe.Stats{}, optionError(err)
	}
	defer c.Abort() // gives buffers back after a failure
	j.follow(c.Stats, restOf(in), 0)
	if _, err := c.ReadFrom(in); err != nil {
		return c.Stats(), err
	}
	err = c.Close()
	j.over.Store(true)
	return c.Stats(), err
}
