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

// startAnswers starts that process, with our standard output, which is closed here: its end has to
// be seen. Its standard input is for who answers.
func startAnswers() (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, answersCommand)
	cmd.Args[0] = "ctxpipe"
	c, err := startChildWith(cmd, os.Stdout)
	if err == nil {
		os.Stdout.Close()
	}
	return c, err
}

// lastWords is how long answers are waited for that others may give, who have
// the command's standard output, once the command has ended.
const lastWords = 10 * time.Second

// finishAnswers waits for the answers of a command that has ended, and gives why not all were
// passed on.
func finishAnswers(c *child) error {
	ended := make(chan error, 1)
	go func() { ended <- c.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return &said{exitStatus(c.cmd.ProcessState)}
		}
	case <-time.After(lastWords):
	}
	return nil
}
