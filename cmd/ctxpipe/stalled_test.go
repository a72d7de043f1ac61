//go:build linux

package main

import (
	"bytes"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ctxpipe/ctxpipe/internal/faults"
)

// A far side that does nothing any more is given up, and the guest is where send says it is.
// What xl does here is waited for, however long that takes.
func TestReliabilityStalledFarSide(t *testing.T) {
	const away = "guest--migratedaway paused"
	for _, c := range []struct {
		at          string
		status      int
		here, there string
	}{
		{"migrate-receive@before-1", 3, unharmed, ""},
		{"migrate-receive@400000", 3, unharmed, "any"}, // it may not be able to report, and leaves its copy then, paused
		{"migrate-receive@before-3", 3, unharmed, ""},
		{"migrate-receive@after-3", 4, away, "guest running"},
	} {
		t.Run(c.at, func(t *testing.T) {
			t.Parallel()
			y := faults.NewTally(t, "the far side stalls", "send")
			h := newHosts(t, c.at+"=wait:go")
			cmd := h.command("ctxpipe", "send", "--timeout", "2s", "guest", "there")
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			p := faults.Start(t, cmd)
			reached := h.reached(cmd.Process.Pid)
			if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
				t.Fatal(err)
			}
			// It goes on when nobody listens any more.
			if err := os.WriteFile(string(h.Dir)+"/go", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if !reached { // where processes take seconds to start, it is given up before that
				c.status, c.here, c.there = 3, unharmed, "any"
			}
			if status := p.End(); status != c.status || !bytes.Contains(said.Bytes(), []byte("not a byte has come or gone for 2s")) {
				t.Errorf("status %d, want %d\n%s", status, c.status, said.String())
			}
			there := c.there
			if got := h.domains("there"); there == "any" && got == "guest--incoming paused" {
				there = got
			} else if there == "any" {
				there = ""
			}
			h.has(said.String(), c.here, there)
			y.Count(map[int]string{3: "guest runs on here", 4: "guest paused here, a person has to look"}[c.status])
		})
	}
}

// reached waits until the far side stands still, and says whether it does before a process
// has ended.
func (h *hosts) reached(pid int) bool {
	for {
		if _, err := os.Stat(string(h.Dir) + "/go.reached"); err == nil {
			return true
		}
		var info unix.Siginfo
		if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil); err != nil || info.Signo != 0 {
			return false
		}
		time.Sleep(2 * time.Millisecond)
	}
}
