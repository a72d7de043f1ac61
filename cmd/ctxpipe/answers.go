package main

import (
	"io"
	"os"
	"time"
)

// answers passes on what a command says on its standard output, and takes it even if nobody
// hears it. A receiver of xl that cannot write its report gives up on the spot, and leaves
// its paused copy of the guest behind; one that can destroys it.
type answers struct {
	in, out *os.File   // of a pipe: in is the command's, out is ours
	passed  chan error // what came of passing them on
}

func newAnswers(to *os.File) (*answers, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	a := &answers{in, out, make(chan error, 1)}
	go a.pass(to)
	return a, nil
}

// pass ends with the answers, and closes to when they end or cannot be written.
func (a *answers) pass(to *os.File) {
	defer a.out.Close()
	// Plain reads and writes: splice spins where nobody reads (golang/go#75304).
	_, err := io.Copy(struct{ io.Writer }{to}, struct{ io.Reader }{a.out})
	to.Close()
	if err != nil {
		_, _ = io.Copy(io.Discard, a.out)
	}
	a.passed <- err
}

// started lets go of the command's end, which the command has by now.
func (a *answers) started() { a.in.Close() }

// lastWords is how long answers are waited for that others may give, who have
// the command's standard output, once the command has ended.
const lastWords = 10 * time.Second

// finish waits for the answers of a command that has ended, and gives why not all were passed
// on.
func (a *answers) finish() error {
	select {
	case err := <-a.passed:
		return err
	case <-time.After(lastWords):
		return nil
	}
}
