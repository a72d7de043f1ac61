package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/pkg/errors"
)

// child is a command that is run on a stream. It takes its end of file
// for the end of the stream, whatever has happened, so after a failure it may see
// one only where that cannot be taken for success.
type child struct {
	cmd   *exec.Cmd
	stdin *os.File // our end of its standard input
}

// startChild starts a command whose standard input the stream is going to be.
func startChild(args []string) (*child, error) {
	return startChildWith(exec.Command(args[0], args[1:]...), os.Stdout)
}

// startChildWith starts a command with that standard output.
func startChildWith(cmd *exec.Cmd, stdout *os.File) (*child, error) {
	in, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		out.Close()
		return nil, &childError{cmd.Args[0], startStatus(err), errors.Wrap(err, "start")}
	}
	return &child{cmd, out}, nil
}

// heed ends a write to the command's standard input, which nobody may be reading, when the
// context ends.
func (c *child) heed(ctx context.Context) { context.AfterFunc(ctx, c.letGo) }

func (c *child) letGo() { _ = c.stdin.SetWriteDeadline(longAgo) }

// giveUp kills a command that has started others, which may hold our pipes open.
func (c *child) giveUp() {
	c.letGo()
	_ = c.cmd.Process.Kill()
}

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// startStatus gives what shells report of a command that cannot be started.
func startStatus(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return 127
	}
	return 126
}

// finish ends the command after work has written to its standard input and said
// err. Only if that is nil, or harmless says that the end of file cannot pass for
// the end of the stream, does the command see one; otherwise it is killed first. It
// gives err, or what the command made of the stream.
func (c *child) finish(err error, harmless bool) error {
	if err != nil && !harmless && !errors.Is(err, syscall.EPIPE) {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		c.stdin.Close()
		return err
	}
	closed := c.stdin.Close()
	waited := c.cmd.Wait()
	switch {
	case errors.Is(err, syscall.EPIPE) && waited == nil:
		return &childError{c.cmd.Path, statusIO, errors.New("ended before it had read the whole stream, which may be good or bad")}
	case err != nil && !errors.Is(err, syscall.EPIPE):
		return err
	case waited != nil:
		return c.failed(waited)
	}
	return closed
}

// failed says how the command has ended, which was not well.
func (c *child) failed(err error) error {
	return &childError{c.cmd.Path, exitStatus(c.cmd.ProcessState), err}
}

// talk lets work write to the command's standard input while the command lives, and gives
// what came of both. The command answers on its own, so its end is the end of everything;
// work may then be left stuck in a read. Its end of file means nothing to the command that could
// start a guest, so the command is never killed.
func (c *child) talk(work func() error) error {
	wrote, exited := make(chan error, 1), make(chan error, 1)
	go func() {
		err := work()
		c.stdin.Close()
		wrote <- err
	}()
	go func() { exited <- c.cmd.Wait() }()
	var worked error
	var waited error
	select {
	case worked = <-wrote:
		waited = <-exited
	case waited = <-exited:
		worked = settled(wrote)
	}
	switch {
	case worked != nil && !errors.Is(worked, syscall.EPIPE):
		return worked
	case waited != nil:
		return c.failed(waited)
	}
	return nil
}

// settled gives what came of work if that ended about when the command did.
func settled(wrote <-chan error) error {
	select {
	case err := <-wrote:
		return err
	case <-time.After(100 * time.Millisecond):
		return nil
	}
}

// exitStatus gives the status as shells report it.
func exitStatus(s *os.ProcessState) int {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}

// childError is a failure of the command, whose exit status becomes ours.
type childError struct {
	name   string
	status int
	err    error
}

func (e *childError) Error() string { return fmt.Sprintf("%s: %v", e.name, e.err) }
func (e *childError) Unwrap() error { return e.err }
