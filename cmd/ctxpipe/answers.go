package main

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
)

// answersCommand passes standard input on to standard output, and takes it even if nobody hears
// it. receive runs it behind its command, as a process of its own so that
// it stays if receive is killed. For a receiver of xl that cannot write its report gives up on
// the spot and leaves its paused copy of the guest behind, where one that can destroys it; and a
// sender that does not get the report cannot know whether the copy runs.
const answersCommand = "answers"

func newAnswers() *cobra.Command {
	return &cobra.Command{
		Use: answersCommand, Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			signal.Ignore(endings...) // what ends receive is no reason to end before the answers do
			// Plain reads and writes: splice spins where nobody reads (golang/go#75304).
			_, err := io.Copy(struct{ io.Writer }{os.Stdout}, struct{ io.Reader }{os.Stdin})
			os.Stdout.Close()
			if err != nil {
				_, _ = io.Copy(io.Discard, os.Stdin)
			}
			return err
		},
	}
}

// answers is that process.
type answers struct {
	in  *os.File // for who answers
	cmd *exec.Cmd
}

// startAnswers starts one that has our standard output, which is closed here: its end has to be seen.
func startAnswers() (*answers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := &exec.Cmd{Path: self, Args: []string{"ctxpipe", answersCommand}, Stdin: out, Stdout: os.Stdout, Stderr: os.Stderr}
	if err := cmd.Start(); err != nil {
		in.Close()
		return nil, err
	}
	os.Stdout.Close()
	return &answers{in, cmd}, nil
}

// started lets go of the end that who answers has by now.
func (a *answers) started() { a.in.Close() }

// lastWords is how long answers are waited for that others may give, who have
// the command's standard output, once the command has ended.
const lastWords = 10 * time.Second

// finish waits for the answers of a command that has ended, and gives why not all were passed
// on.
func (a *answers) finish() error {
	ended := make(chan error, 1)
	go func() { ended <- a.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return &said{exitStatus(a.cmd.ProcessState)}
		}
	case <-time.After(lastWords):
	}
	return nil
}
