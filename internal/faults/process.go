//go:build unix

package faults

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// patience is how long a process may take before it hangs: far longer than on any
// machine that is only slow.
const patience = 90 * time.Second

// A Process is a command that must not hang, and whose children must not either: they share its
// standard error.
type Process struct {
	*exec.Cmd
	Said  Beginning // of standard error, if that is nowhere else
	t     testing.TB
	timer *time.Timer
}

// Beginning is the first of what is written to it, so that a process which says much leaves
// the memory of its test small: a child counts that as its own.
type Beginning struct {
	bytes.Buffer
	All int64 // bytes that were written
}

// mostKept is how much a Beginning keeps.
const mostKept = 128 << 10

// Write takes all of p.
func (b *Beginning) Write(p []byte) (int, error) {
	b.All += int64(len(p))
	b.Buffer.Write(p[:min(len(p), mostKept-b.Len())])
	return len(p), nil
}

// Start starts a command. Its standard input and output are the caller's business; its ends
// of them stay open here.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{Cmd: cmd, t: t}
	if cmd.Stderr == nil {
		cmd.Stderr = &p.Said
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.timer = time.AfterFunc(patience, func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT) // for the traces
		time.Sleep(time.Second)
		_ = cmd.Process.Kill()
		cmd.WaitDelay = time.Second
	})
	return p
}

// End waits until the command, and whatever it has started, has ended, and gives its status as
// shells do.
func (p *Process) End() int {
	p.t.Helper()
	_ = p.Wait()
	if !p.timer.Stop() {
		p.t.Fatalf("%q hangs\n%s", p.Args, p.Said.String())
	}
	ws := p.ProcessState.Sys().(syscall.WaitStatus)
	if ws.CoreDump() {
		p.t.Errorf("%q left a core", p.Args)
	}
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

// Peak gives the most memory that a process that has ended had resident, in bytes.
func (p *Process) Peak() int64 {
	usage, ok := p.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10
}

// Under makes a command whose data may take so many bytes and no more, however little of
// them it touches. The address space is no measure of a Go program: it reserves much
// more than it uses.
func Under(ceiling int64, name string, args ...string) *exec.Cmd {
	script := fmt.Sprintf(`ulimit -d %d && exec "$@"`, ceiling>>10)
	cmd := exec.Command("sh", append([]string{"-c", script, "sh", name}, args...)...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMEMLIMIT=%d", ceiling/2))
	return cmd
}
