// Command ctxpipe moves Xen save streams through pipes: it compresses and seals them,
// restores, checks and shows them, and moves whole guests.
//
//	xl save -p guest /dev/stdout | ctxpipe compress | ssh dest 'ctxpipe restore -- xl restore /dev/stdin'
//	xl migrate -s 'ctxpipe ssh' guest dest
//	ctxpipe send guest dest
//
// ctxpipe --help tells the rest, as do the manual pages in the folder man.
//
// Each subcommand has a file of its own. What is said to a person on standard
// error is in ui.go, and so are the exit statuses.
package main

import (
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:])) }

// run runs the command line and gives the exit status.
func run(args []string) int {
	root := newRoot()
	root.SetArgs(args)
	cleanUpOnSignals()
	keepHeapSmall()
	return finish(root.Execute())
}

// keepHeapSmall lets garbage be collected when it is half of what is in use. Buffers are
// lent and come back, so there is little of it, and a heap that may double only
// adds to the peak. Whoever sets GOGC knows better.
//
// The first collection waits until 32 MiB are in use, eight times what a heap begins
// with. A filter has all its buffers by then. Otherwise each of the first megabytes calls
// for a collection, which finds nothing, and which waits for decoders that do
// not stop before the end of a block.
func keepHeapSmall() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(800)
	runtime.AddCleanup(new(*byte), func(percent int) { debug.SetGCPercent(percent) }, 50)
}

const rootHelp = `ctxpipe moves Xen save streams through pipes: compressed, sealed, and let out at the far
end only when all of it has arrived.

Exit status: 0 good, 1 the stream is bad, 2 wrong usage, 3 input/output failure; of a command that
was run, its own. send has 4 too: the guest is paused here, and a person has to look where it runs.`

const rootExamples = `  # save a guest to another host, and start it there only if all of it arrived
  xl save -p guest /dev/stdout | ctxpipe compress | ssh dest 'ctxpipe restore -- xl restore /dev/stdin'

  # keep it in a file, which any zstd can read too
  xl save -p guest /dev/stdout | ctxpipe compress -o saved.zst
  ctxpipe restore guest.zst -- xl restore /dev/stdin

  # migrate it live, or move it saved, and never lose it or run it twice
  xl migrate -s 'ctxpipe ssh' guest dest
  ctxpipe send guest dest`

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "ctxpipe",
		Short:         "Move Xen save streams through pipes",
		Long:          rootHelp,
		Example:       rootExamples,
		Version:       version(),
		Args:          cobra.NoArgs,
		RunE:          func(*cobra.Command, []string) error { return usagef("no command given") },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.Flags().Bool("version", false, "say which version this is, and which transport formats it reads")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{err, cmd.CommandPath() + " --help tells how it is used"}
	})
	root.AddCommand(newCompress(), newRestore(), newVerify(), newInspect(), newSSH(), newReceive(), newAnswers(), newSend(), newGen(), newBench(), newBenchSave(), newDemo())
	return root
}

// oneFile takes at most one argument, the name of the input.
func oneFile(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("one FILE at the most, not %d", len(args))
	}
	return nil
}
