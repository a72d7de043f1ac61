package main

import (
	"io"
	"os"
	"os/exec"
	"sync/atomic"

	"github.com/pkg/errors"
	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/pipe"
)

const receiveHelp = `receive is the far end of "ctxpipe ssh" and "ctxpipe send", which run it on the other host.

It runs COMMAND with the save stream as its standard input. All of the stream from libxc's
END on, without which no guest starts, is given out only when everything up to the stream's last
END has been verified; what follows that, as the messages of a migration do, is given out as it
comes. What the command answers goes back, and its exit status is receive's own. If nobody hears the
answer any more, the command does not notice: xl would leave a copy behind of which it could not report.`

const receiveExamples = `  xl migrate -s '' guest 'ctxpipe ssh dest xl migrate-receive'
  xl migrate -s 'ctxpipe ssh --remote-path "nice ctxpipe"' guest dest`

func newReceive() *cobra.Command {
	var resources resourceFlags
	var hold holdFlag
	var tell tellFlags
	cmd := &cobra.Command{
		Use:     "receive -- COMMAND [ARG...]",
		Short:   "Receive a migration and give it to a command",
		Long:    receiveHelp,
		Example: receiveExamples,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || cmd.ArgsLenAtDash() > 0 {
				return usagef("receive takes -- and a COMMAND")
			}
			return nil
		},
	}
	cmd.Flags().SetInterspersed(false)
	resources.addTo(cmd.Flags())
	hold.addTo(cmd.Flags())
	tell.addTo(cmd.Flags())
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		opts, err := hold.options()
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
		return tell.tell("receive", false, func(j *job) (pipe.Stats, error) { return receive(args, opts, j) })
	}
	return cmd
}

// receive runs a command on the live stream that comes in.
func receive(command []string, opts []pipe.RestoreOption, j *job) (pipe.Stats, error) {
	r, err := pipe.NewRestorer(os.Stdin, append(opts, pipe.WithContext(j.ctx))...)
	if err != nil {
		return pipe.Stats{}, optionError(err)
	}
	answers, err := startAnswers()
	if err != nil {
		return pipe.Stats{}, err
	}
	c, err := startChildWith(exec.Command(command[0], command[1:]...), answers.stdin)
	answers.stdin.Close() // the command's alone, so that its end is seen
	if err != nil {
		return pipe.Stats{}, err
	}
	j.follow(r.Stats, 0, 0)
	to := &liveOnly{r: r, w: c.stdin}
	c.heed(j.ctx)
	err = c.talk(func() error {
		_, err := r.WriteTo(to)
		j.over.Store(true)
		return err
	})
	if lost := finishAnswers(answers); err == nil {
		err = lost
	}
	if err == nil && !to.complete.Load() {
		err = &childError{command[0], statusIO, errors.New("ended before it had the whole save stream")}
	}
	return r.Stats(), err
}

// liveOnly passes on what comes out of a live stream. A stream of another kind holds its
// end back until the sender has closed it, which a sender that waits for an
// answer never does.
type liveOnly struct {
	r        *pipe.Restorer
	w        io.Writer
	written  int64
	complete atomic.Bool // all of the save stream was verified, and has left
}

func (l *liveOnly) Write(p []byte) (int, error) {
	if info := l.r.Info(); !info.Live {
		return 0, &frame.Error{
			Layer: zst.Layer, Index: frame.NoIndex, What: "the stream", Wanted: "a live one, as ctxpipe ssh and ctxpipe send make",
			Got: info.Kind.String() + ", not live", Err: frame.ErrUnsupported,
		}
	}
	n, err := l.w.Write(p)
	l.written += int64(n)
	if end := l.r.Info().End; end > 0 && l.written >= end {
		l.complete.Store(true)
	}
	return n, err
}
