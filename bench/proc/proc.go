package proc

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"github.com/pkg/errors"
)

// Command is a program and its arguments.
type Command []string

// String gives the command as a shell takes it.
func (c Command) String() string { return strings.Join(c, " ") }

// Cost is what a program has cost.
type Cost struct {
	User   float64 // seconds of the processor
	System float64
	Peak   int64 // most resident bytes of a program that was watched; 0 where the system does not tell, or nobody looked in time
}

// Plus gives the cost of two programs that ran side by side.
func (c Cost) Plus(d Cost) Cost { return Cost{c.User + d.User, c.System + d.System, c.Peak + d.Peak} }

// Process is a program that runs.
type Process struct {
	cmd   *exec.Cmd
	says  tail
	watch *watch
}

// Start starts a command between two files; in may be nil for nothing, and out for nowhere. The caller
// closes its own copies of them.
func Start(ctx context.Context, c Command, in, out *os.File) (*Process, error) {
	p := &Process{cmd: exec.CommandContext(ctx, c[0], c[1:]...)}
	p.cmd.Stdin, p.cmd.Stderr = in, &p.says
	if out != nil {
		p.cmd.Stdout = out
	}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Wrap(err, "start "+c.String())
	}
	return p, nil
}

// Watch has the program's memory looked at until it ends. That takes time from a program that keeps
// all processors busy, so one that is timed is not watched.
func (p *Process) Watch() { p.watch = watchPeak(p.cmd.Process.Pid) }

// Wait waits for the program's end. A failure has the last of what it said.
func (p *Process) Wait() (Cost, error) {
	err := p.cmd.Wait()
	p.watch.stop()
	if err != nil {
		return Cost{}, errors.Wrapf(err, "%s: %s", Command(p.cmd.Args), p.says.String())
	}
	s := p.cmd.ProcessState
	return Cost{User: s.UserTime().Seconds(), System: s.SystemTime().Seconds(), Peak: p.watch.peak(s)}, nil
}

// Said gives what the program has written to standard error, the last 4 KiB of it.
func (p *Process) Said() string { return p.says.String() }

// tail keeps the last of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if n := len(t.b) - 4<<10; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.b)) }
