//go:build linux

package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ctxpipe/ctxpipe/internal/faults"
)

// Each hostile input is stopped by the limit that is there for it, or passes, in a process
// whose memory has a ceiling far below what was asked for. What it says is short.
func TestReliabilityHostileInput(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has no ceiling")
	}
	for _, h := range faults.Hostile() {
		t.Run(h.Layer+"/"+h.Name, func(t *testing.T) {
			peak := int64(0)
			for _, args := range h.Args {
				peak = max(peak, underCeiling(t, h, args))
			}
			stopped := h.Stopped
			if h.Rule != "" {
				stopped += " [" + string(h.Rule) + "]"
			}
			faults.Tell(t, faults.Row{Table: "hostile", Fault: h.Name, Command: h.Layer, Rounds: len(h.Args), Stopped: stopped, Peak: peak})
		})
	}
}

// mostSaid is for a thousand findings.
const mostSaid = 256 << 10

// underCeiling feeds a command with an input, and gives the most memory that it had.
func underCeiling(t *testing.T, h faults.HostileInput, args string) int64 {
	t.Helper()
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := faults.Under(faults.Ceiling, "ctxpipe", strings.Fields(args)...)
	cmd.Stdin = in
	began := time.Now()
	p := faults.Start(t, cmd)
	in.Close()
	go func() {
		_, _ = io.CopyBuffer(struct{ io.Writer }{feed}, h.Reader(), make([]byte, 64<<10))
		feed.Close()
	}()
	status := p.End()
	peak, said := p.Peak(), p.Said.Bytes()
	t.Logf("%s: status %d, %d MiB, %v: %.200s", args, status, peak>>20, time.Since(began).Round(time.Millisecond), said)
	switch {
	case bytes.Contains(said, []byte("goroutine ")) || status > statusBad:
		t.Errorf("%s: status %d: %.2000s", args, status, said)
	case h.Rule != "" && (status != statusBad || !bytes.Contains(said, []byte("["+h.Rule+"]"))):
		t.Errorf("%s: status %d, want one of rule %s: %.400s", args, status, h.Rule, said)
	}
	if peak > faults.MostResident {
		t.Errorf("%s: %d bytes were resident, at most %d are wanted", args, peak, faults.MostResident)
	}
	if p.Said.All > mostSaid {
		t.Errorf("%s: it said %d bytes", args, p.Said.All)
	}
	return peak
}
