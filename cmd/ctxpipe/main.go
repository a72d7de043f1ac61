// Command ctxpipe moves Xen save streams through pipes: it compresses and
// restores them, and looks into domain contexts.
//
//	xl save -p guest /dev/stdout | ctxpipe compress | ssh dest 'ctxpipe restore | xl restore /dev/stdin'
//
// Each subcommand has a file of its own. What is said to a person on standard
// error is in ui.go, and so are the exit statuses.
package main

import (
	"os"
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
func keepHeapSmall() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "ctxpipe",
		Short: "Move Xen save streams through pipes",
		Long: `ctxpipe moves Xen save streams through pipes.

Save a guest to another host, and start it there only if all of it arrived:

  xl save -p guest /dev/stdout | ctxpipe compress | ssh dest 'ctxpipe restore | xl restore /dev/stdin'

Keep it in a file, which any zstd can read too:

  xl save -p guest /dev/stdout | ctxpipe compress -o guest.zst
  ctxpipe restore guest.zst | xl restore /dev/stdin

Migrate it live, or move it saved, and never lose it or run it twice:

  xl migrate -s 'ctxpipe ssh' guest dest
  ctxpipe send guest dest

Exit status: 0 good, 1 the stream is bad, 2 wrong usage, 3 input/output failure; of a command that
was run, its own.`,
		Args:          cobra.NoArgs,
		RunE:          func(*cobra.Command, []string) error { return usagef("no command given") },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err: err} })
	root.AddCommand(newCompress(), newRestore(), newVerify(), newInspect(), newSSH(), newReceive(), newSend(), newDemo())
	return root
}

// oneFile takes at most one argument, the name of the input.
func oneFile(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("one FILE at the most, not %d", len(args))
	}
	return nil
}
