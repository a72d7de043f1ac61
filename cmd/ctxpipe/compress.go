package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/pipe"
)

func newCompress() *cobra.Command {
	var flags filterFlags
	var threads int
	cmd := &cobra.Command{
		Use:   "compress [FILE]",
		Short: "Compress a stream into sealed zstd",
		Long: `compress reads FILE, or standard input, and writes zstd that any zstd can read.

The seal at its end is written only if the input came to its end; a stream
without it is refused by restore.

  xl save -p guest /dev/stdout | ctxpipe compress | ssh dest 'ctxpipe restore | xl restore /dev/stdin'
  ctxpipe compress guest.xlsave -o guest.xlsave.zst`,
		Args: oneFile,
	}
	flags.addTo(cmd)
	cmd.Flags().IntVarP(&threads, "threads", "T", 0, "how many chunks to compress at once; 0: as many as there are processors")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		var opts []pipe.Option
		if threads < 0 || threads > pipe.MaxWorkers {
			return usagef("-T takes 0 to %d, not %d", pipe.MaxWorkers, threads)
		}
		if threads > 0 {
			opts = append(opts, pipe.WithWorkers(threads))
		}
		return withInput(args, func(_ string, in *os.File) error {
			return flags.filter("compress", in, func(in, out *os.File) (pipe.Stats, error) {
				return compress(in, out, opts)
			})
		})
	}
	return cmd
}

func compress(in, out *os.File, opts []pipe.Option) (pipe.Stats, error) {
	c, err := pipe.NewCompressor(out, opts...)
	if err != nil {
		return pipe.Stats{}, err
	}
	defer c.Abort() // gives buffers back after a failure
	if _, err := c.ReadFrom(in); err != nil {
		return c.Stats(), err
	}
	err = c.Close()
	return c.Stats(), err
}
