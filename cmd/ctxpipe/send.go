package main

import (
	"context"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/pkg/errors"
	"github.com/spf13/cobra"

	"github.com/ctxpipe/ctxpipe/internal/move"
	"github.com/ctxpipe/ctxpipe/pipe"
)

const sendHelp = `send moves a guest to HOST, saved and not live, in such a way that it is never lost and never runs twice.

It runs "xl save -p" here, which suspends the guest, and "xl migrate-receive" on HOST, with the
stream between them compressed and sealed. The guest here is destroyed only when HOST has said that
its copy runs, and goes on only when no copy can. It works for guests which Xen cannot migrate live,
such as PV ones where it was built without log-dirty mode.

Exit status: 0 the guest runs on HOST; 1, 2, 3, or that of ssh: it runs on here; 4: it is paused here, and
whether it runs on HOST a person has to find out, as after a connection that broke before the
last answer came.`

const sendExamples = `  ctxpipe send guest dest
  ctxpipe send --via 'ssh -p 2222' --level default guest dest`

func newSend() *cobra.Command {
	var flags liveFlags
	cmd := &cobra.Command{
		Use:     "send GUEST HOST",
		Short:   "Move a guest to another host, saved",
		Long:    sendHelp,
		Example: sendExamples,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("send takes a GUEST and a HOST")
			}
			return nil
		},
	}
	flags.addTo(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		opts, err := flags.options()
		if err != nil {
			return err
		}
		return flags.tell("send", false, func(j *job) (pipe.Stats, error) {
			s := sending{far: &flags.far, host: args[1], opts: opts, watched: j}
			outcome, err := s.run(args[0])
			return s.stats(), sendError(outcome, args[0], args[1], err)
		})
	}
	return cmd
}

// sending moves one guest by ctxpipe.
type sending struct {
	far     *farFlags
	host    string
	opts    []pipe.Option
	watched *job

	stream *farStream // nil until the far side was started
	answer *os.File
}

func (s *sending) stats() pipe.Stats {
	if s.stream == nil {
		return pipe.Stats{}
	}
	return s.stream.Stats()
}

func (s *sending) run(guest string) (move.Outcome, error) {
	ctx, stop := takeSignals(s.watched.ctx)
	defer stop()
	letGo := func() bool { return true }
	m := move.Move{
		Toolstack: move.XL{Path: "xl"},
		Far: func() (move.Stream, io.Reader, error) {
			if err := s.start(ctx); err != nil {
				return nil, nil, err
			}
			// Until the copy may run, a signal ends the far side, and with it all waiting.
			letGo = context.AfterFunc(ctx, s.giveUp)
			// A far side that does nothing any more is not waited for even then.
			context.AfterFunc(s.watched.ctx, s.giveUp)
			return s.stream, s.answer, nil
		},
		Enter: func(state string) {
			if state == "cleared" {
				letGo() // only the answer counts now
			}
		},
	}
	s.watched.own.Store(true) // xl must not be interrupted
	outcome, err := m.Run(ctx, guest)
	letGo()
	if err != nil && s.watched.ctx.Err() != nil {
		err = errors.Wrap(context.Cause(s.watched.ctx), err.Error())
	}
	if s.stream != nil {
		err = s.ended(outcome, err)
	}
	return outcome, err
}

// start starts the far side.
func (s *sending) start(ctx context.Context) error {
	answer, says, err := os.Pipe()
	if err != nil {
		return err
	}
	defer says.Close()
	c, err := s.far.start(s.host, []string{"xl", "migrate-receive"}, says)
	if err != nil {
		answer.Close()
		return farError(err)
	}
	z, err := pipe.NewCompressor(c.stdin, append(s.opts, pipe.WithContext(ctx))...)
	if err != nil {
		c.stdin.Close()
		answer.Close()
		return optionError(err)
	}
	s.stream, s.answer = &farStream{z, c}, answer
	s.watched.follow(z.Stats, 0, 0)
	return nil
}

// giveUp ends what the far side still has of ours, so that nobody waits for it.
func (s *sending) giveUp() {
	s.stream.far.giveUp()
	_ = s.answer.SetReadDeadline(longAgo)
}

// patience is how long the far side may take to end after everything was said.
const patience = 10 * time.Second

// ended waits for the end of the far side, and says how it ended where that explains a
// failure.
func (s *sending) ended(outcome move.Outcome, err error) error {
	defer s.answer.Close()
	far := s.stream.far
	end := time.AfterFunc(patience, func() { _ = far.cmd.Process.Kill() })
	waited := far.cmd.Wait()
	end.Stop()
	var silence *move.SilenceError
	switch {
	case outcome == move.Gone || !errors.As(err, &silence) && !errors.Is(err, syscall.EPIPE):
		return err // the far side has nothing to do with it
	case waited != nil:
		return errors.Wrap(farError(far.failed(waited)), err.Error())
	}
	return errors.New("the other host has ended before all was said")
}

// farStream is a live stream to the other host.
type farStream struct {
	*pipe.Compressor
	far *child
}

// Write writes a message, which has left when it returns.
func (s *farStream) Write(p []byte) (int, error) {
	n, err := s.Compressor.Write(p)
	if err == nil {
		err = s.Flush()
	}
	return n, err
}

// Close ends the stream well.
func (s *farStream) Close() error {
	err := s.Compressor.Close()
	if closed := s.far.stdin.Close(); err == nil {
		err = closed
	}
	return err
}

// Abort ends it in no way that could pass for that.
func (s *farStream) Abort() {
	s.Compressor.Abort()
	s.far.stdin.Close()
}

// sendError says where the guest is.
func sendError(outcome move.Outcome, guest, host string, err error) error {
	switch {
	case err == nil:
		return nil
	case outcome == move.Undecided:
		return &hinted{
			&undecided{err},
			"the guest is paused here, as " + guest + " or " + guest + move.Away + ": if it runs on " + host +
				", xl destroy it here; if it does not and no copy is left there, xl rename and xl unpause it",
		}
	case outcome == move.Kept:
		return errors.Wrapf(err, "guest %s runs on here", guest)
	case outcome == move.Gone:
		return errors.Wrapf(err, "guest %s runs on %s, but", guest, host)
	}
	return err
}
