//go:build linux

package main

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ctxpipe/ctxpipe/internal/fakexl"
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
			cmd := h.command("ctxpipe", "send", "--timeout", "1s", "guest", "there")
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &said, &said
			p := faults.Start(t, cmd)
			fakexl.Await(string(h.Dir) + "/go.reached")
			if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
				t.Fatal(err)
			}
			// It goes on when nobody listens any more.
			if err := os.WriteFile(string(h.Dir)+"/go", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if status := p.End(); status != c.status || !bytes.Contains(said.Bytes(), []byte("not a byte has come or gone for 1s")) {
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
