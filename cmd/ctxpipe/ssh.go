package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pkg/errors"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/pipe"
)

const sshHelp = `ssh stands in for ssh where xl migrates a guest: it runs COMMAND on HOST, with what it reads
compressed and sealed on the way. On HOST ctxpipe has to be installed too.

What would start the guest on HOST is given out there only when all of the stream was verified: a
stream that is damaged or cut leaves the guest running here, and none there. What is said in the
other direction goes straight through. Remus and COLO are refused, since they want a guest to start
when the stream breaks off.

The exit status is that of ssh, which is that of COMMAND.`

const sshExamples = `  xl migrate -s 'ctxpipe ssh' guest dest
  xl migrate -s 'ctxpipe ssh --via "ssh -p 2222"' guest dest
  xl migrate -s 'ctxpipe ssh --level fastest -v' guest dest`

// pauseFlag says how long a pause of the source is.
type pauseFlag struct{ pause time.Duration }

func (f *pauseFlag) addTo(fs *pflag.FlagSet) {
	fs.DurationVar(&f.pause, "pause", pipe.DefaultPause, "what has come leaves when nothing more has for so long, 100µs to 1m")
}

func (f *pauseFlag) option() (pipe.Option, error) {
	if f.pause < 100*time.Microsecond || f.pause > time.Minute {
		return nil, usagef("--pause takes 100µs to 1m, not %v", f.pause)
	}
	return pipe.WithLive(f.pause), nil
}

func newSSH() *cobra.Command {
	var far farFlags
	var effort effortFlags
	var resources resourceFlags
	var pause pauseFlag
	var tell tellFlags
	cmd := &cobra.Command{
		Use:     "ssh HOST COMMAND [ARG...]",
		Short:   "Carry a live migration of xl",
		Long:    sshHelp,
		Example: sshExamples,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usagef("ssh takes a HOST and a COMMAND, as xl migrate -s gives them")
			}
			return refuseCheckpoints(args[1:])
		},
	}
	cmd.Flags().SetInterspersed(false)
	far.addTo(cmd.Flags())
	effort.addTo(cmd)
	resources.addTo(cmd.Flags())
	pause.addTo(cmd.Flags())
	tell.addTo(cmd.Flags())
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		opts, err := liveOptions(&effort, &resources, &pause)
		if err != nil {
			return err
		}
		return tell.tell("ssh", false, func(j *job) (pipe.Stats, error) {
			return carry(&far, args[0], args[1:], opts, j)
		})
	}
	return cmd
}

// liveOptions gives the options of a Compressor for a migration.
func liveOptions(effort *effortFlags, resources *resourceFlags, pause *pauseFlag) ([]pipe.Option, error) {
	opts, err := effort.options(nil)
	if err != nil {
		return nil, err
	}
	if effort.format < zst.FormatLive {
		return nil, &usageError{
			errors.Errorf("--format %d: a migration is a live stream, which needs format %d", effort.format, zst.FormatLive),
			"upgrade ctxpipe on the other host, or move the guest by xl save -p, ctxpipe compress and restore",
		}
	}
	live, err := pause.option()
	if err != nil {
		return nil, err
	}
	common, err := resources.options()
	for _, o := range common {
		opts = append(opts, o)
	}
	return append(opts, live), err
}

// carry carries standard input to a command on another host.
func carry(far *farFlags, host string, command []string, opts []pipe.Option, j *job) (pipe.Stats, error) {
	c, err := far.start(host, command, os.Stdout)
	if err != nil {
		return pipe.Stats{}, farError(err)
	}
	os.Stdout.Close() // the command's alone, so that its end is seen
	z, err := pipe.NewCompressor(c.stdin, append(opts, pipe.WithContext(j.ctx))...)
	if err != nil {
		c.stdin.Close()
		return pipe.Stats{}, optionError(err)
	}
	j.follow(z.Stats, 0, 0)
	// Without it nothing seals what was sent, so that no guest starts.
	context.AfterFunc(j.ctx, c.giveUp)
	err = c.talk(func() error {
		defer z.Abort() // gives buffers back after a failure
		if _, err := z.ReadFrom(os.Stdin); err != nil {
			return err
		}
		err := z.Close()
		j.over.Store(true)
		return err
	})
	return z.Stats(), farError(err)
}

// refuseCheckpoints refuses what xl runs for Remus and COLO.
func refuseCheckpoints(command []string) error {
	at := slices.Index(command, "migrate-receive")
	if at < 0 {
		return nil
	}
	for _, arg := range command[at+1:] {
		long := strings.HasPrefix(arg, "--")
		if long && (strings.HasPrefix(arg, "--colo") || arg == "--remus" || strings.HasPrefix(arg, "--userspace-colo")) ||
			!long && strings.HasPrefix(arg, "-") && strings.Contains(arg, "r") {
			return &usageError{
				errors.Errorf("%s: Remus and COLO start the guest when the stream breaks off, which ctxpipe is there to prevent", arg),
				"use ssh itself for them",
			}
		}
	}
	return nil
}
