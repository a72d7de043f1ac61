//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/faults"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
)

// tracer says why strace cannot be used, nothing if it can: it may be missing, too old to let go
// of the commands that a command runs, or not be allowed to trace.
var tracer = sync.OnceValue(func() string {
	cmd := exec.Command("strace", append(traced, "-o", "/dev/null", "-e", "inject=write:error=EINTR:when=1", "true")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return err.Error() + " " + string(out)
	}
	return ""
})

// traced are strace's arguments: the command stays our own child, all its threads are traced, and
// the commands that it runs are not.
var traced = []string{"-D", "-f", "-b", "execve", "-qq", "-s", "0"}

// tracing skips a test where there is no strace.
func tracing(t *testing.T) {
	t.Helper()
	if why := tracer(); why != "" {
		t.Skip("no strace: " + why)
	}
}

// trace lets strace spoil a command's calls, those only that have to do with paths if there are
// any, and gives what keeps the account.
func (b *bed) trace(cmd *exec.Cmd, paths []string, inject ...string) (account string) {
	account = filepath.Join(b.TempDir(), "calls")
	args := append([]string{"strace"}, traced...)
	args = append(args, "-o", account)
	for _, p := range paths {
		args = append(args, "-P", p)
	}
	for _, i := range inject {
		args = append(args, "-e", "inject="+i)
	}
	cmd.Args = append(append(args, "--"), cmd.Args...)
	cmd.Path, _ = exec.LookPath("strace")
	return account
}

// pipeName is what the system calls a pipe.
func (b *bed) pipeName(f *os.File) (name string) {
	raw, err := f.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { name, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)) })
	}
	if err != nil {
		b.Error(err)
	}
	return name
}

// interrupted lets calls be interrupted before they have done anything, as a signal does: those
// on the command's input, output and file, and everywhere those that may wait. Never close, which
// Linux does not want to be repeated, nor what a dynamic loader does. A call that was interrupted is
// repeated, so nothing shows.
func interrupted(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	const (
		streams  = "read,write,writev,splice,openat"
		anything = "write,writev,splice,epoll_pwait,?epoll_pwait2,?poll,ppoll,?pselect6,wait4,waitid,fsync,linkat,renameat"
	)
	tracing(t)
	larger := wardOf(t, vectest.StreamNamed(t, "pvh-thin.xlsave").Bytes)
	for _, c := range []struct {
		w     *ward
		calls string
		when  []string // with each thread's calls counted by themselves
	}{
		{w, streams, []string{"1+2", "2+2", "3+5", "1..40"}},
		{w, anything, []string{"1+2", "1+3"}},
		{larger, streams, []string{"1+2", "2+3"}},
		{larger, anything, []string{"1+2"}},
	} {
		if raceEnabled { // a process that is traced takes many seconds
			c.when = c.when[:1]
		}
		for _, when := range c.when {
			var account string
			b := c.w.lay(t, h, nil, func(b *bed, cmd *exec.Cmd) {
				var paths []string
				if c.calls == streams {
					paths = []string{b.pipeName(b.childIn), b.pipeName(b.childTo), b.dir, filepath.Join(b.dir, "out")}
				}
				account = b.trace(cmd, paths, c.calls+":error=EINTR:when="+when)
			})
			b.let()
			b.drain()
			b.feed(c.w.fed(h))
			b.in.Close()
			status, outcome := b.verdict(<-b.got)
			calls, err := os.ReadFile(account)
			if n := bytes.Count(calls, []byte("EINTR")); status != 0 || err != nil || n == 0 {
				t.Errorf("%s, %s: status %d, %d calls were interrupted, %v: %s", c.calls, when, status, n, err, b.process.Said.String())
			}
			y.Count(outcome)
		}
	}
}
