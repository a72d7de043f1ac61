package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/pkg/errors"
)

// child is the command that restore runs on the stream. It takes its end of file
// for the end of the stream, whatever has happened, so after a failure it may see
// one only where that cannot be taken for success.
type child struct {
	cmd   *exec.Cmd
	stdin *os.File // our end of its standard input
}

// startChild starts a command whose standard input the stream is going to be.
func startChild(args []string) (*child, error) {
	in, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		out.Close()
		return nil, &childError{args[0], startStatus(err), errors.Wrap(err, "start")}
	}
	return &child{cmd, out}, nil
}

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
		return &childError{c.cmd.Path, exitStatus(c.cmd.ProcessState), waited}
	}
	return closed
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
