package main

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"github.com/spf13/cobra"

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

func newSSH() *cobra.Command {
	var flags liveFlags
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
	flags.addTo(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		opts, err := flags.options()
		if err != nil {
			return err
		}
		return flags.tell("ssh", false, func(j *job) (pipe.Stats, error) {
			return carry(&flags.far, args[0], args[1:], opts, j)
		})
	}
	return cmd
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
