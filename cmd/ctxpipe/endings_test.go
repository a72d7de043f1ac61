//go:build linux

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ctxpipe/ctxpipe/internal/faults"
)

// signalled lets each signal that asks for the end come anywhere in the stream, once the command
// reads it. The command ends by itself then: one that the signal killed would have the same
// status, and have cleaned nothing up.
func signalled(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		fed := w.fed(h)
		for _, at := range places(len(fed)*9/10-begun, 6) {
			b := w.lay(t, h, nil, nil)
			b.endsBy(y, sig, fed[:begun+at])
		}
	}
}

// begun is more than a command is given that has not begun to read.
const begun = 8 << 10

// endsBy feeds a command and lets a signal end it.
func (b *bed) endsBy(y *faults.Tally, sig syscall.Signal, fed []byte) {
	b.Helper()
	b.let()
	b.drain()
	b.feed(fed)
	if err := b.process.Process.Signal(sig); err != nil {
		b.Error(err)
	}
	status, outcome := b.verdict(<-b.got)
	if status != 128+int(sig) || !b.process.ProcessState.Exited() {
		b.Errorf("%v: status %d, %v: %s", sig, status, b.process.ProcessState, b.process.Said.String())
	}
	y.Count(outcome)
}

// Where there are no files without a name, an unfinished one goes when a signal ends the command.
func TestReliabilitySignalsWithHiddenFiles(t *testing.T) {
	w := newWard(t)
	for _, h := range hurts {
		if !h.file() {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			tracing(t)
			y := faults.NewTally(t, "SIGINT, SIGTERM, SIGHUP", h.name+" (no files without a name)")
			for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
				b := w.lay(t, h, nil, func(b *bed, cmd *exec.Cmd) {
					b.trace(cmd, []string{b.dir}, "openat:error=EOPNOTSUPP:when=1")
				})
				fed := w.fed(h)
				fed = fed[:len(fed)/2]
				b.feed(fed)
				for range 5000 {
					if len(b.files()) > 0 {
						break
					}
					time.Sleep(moment / 10)
				}
				if len(b.files()) != 1 {
					t.Error("nothing has a hidden name: nothing was tested")
				}
				b.endsBy(y, sig, nil)
			}
		})
	}
}

// files gives the names of what is in the folder now.
func (b *bed) files() (names []string) {
	found, err := os.ReadDir(b.dir)
	if err != nil {
		b.Error(err)
	}
	for _, f := range found {
		names = append(names, f.Name())
	}
	return names
}

// noStream is a payload whose end nobody can tell but by the end of the file.
func noStream(t *testing.T) (w *ward, h hurt, done string) {
	w = newWard(t)
	w.stream = make([]byte, 300_000)
	w.sealed = sealedBy(t, w.stream)
	done = filepath.Join(t.TempDir(), "done")
	return w, hurt{name: "restore -- (no save stream)", args: []string{"restore", "--", "sh", "-c", "cat; touch " + done}, child: true}, done
}

// sawNoEnd waits for the end of restore and its command, which must not have come to where it
// takes the stream for complete.
func (b *bed) sawNoEnd(y *faults.Tally, done string) {
	b.Helper()
	<-b.got
	if b.process.End() == 0 {
		b.Error("status 0")
	}
	if _, err := os.Stat(done); err == nil {
		b.Error("the command saw an end")
	}
	y.Count("refused")
}

// A command behind restore is killed by a signal or a stall, before it can take the end of its
// input for the end of a payload that is no save stream.
func TestReliabilityCommandSeesNoFalseEnd(t *testing.T) {
	w, h, done := noStream(t)
	for _, c := range []struct {
		fault string
		flags []string
		sig   os.Signal
		count int
	}{
		{"SIGINT, SIGTERM, SIGHUP", nil, syscall.SIGINT, 8},
		{"SIGINT, SIGTERM, SIGHUP", nil, syscall.SIGTERM, 8},
		{"SIGINT, SIGTERM, SIGHUP", nil, syscall.SIGHUP, 8},
		{"the input stalls", []string{"--timeout", shortTimeout}, nil, 2},
	} {
		y := faults.NewTally(t, c.fault, h.name)
		for _, missing := range places(50, c.count) {
			b := w.lay(t, h, c.flags, killGroup)
			b.let()
			if b.feed(w.sealed[:len(w.sealed)-1-missing]); c.sig != nil {
				_, _ = io.ReadFull(b.out, make([]byte, 1)) // the command runs
				_ = b.process.Process.Signal(c.sig)
			}
			b.drain()
			b.sawNoEnd(y, done)
		}
	}
}

// The same when the signal comes as soon as the command runs, and restore takes its time.
func TestReliabilityCommandSeesNoFalseEndAtOnce(t *testing.T) {
	tracing(t)
	w, h, done := noStream(t)
	y := faults.NewTally(t, "SIGINT, SIGTERM, SIGHUP", h.name)
	for _, sig := range []string{"INT", "TERM", "HUP"} {
		h.args = []string{"restore", "--", "sh", "-c", "kill -" + sig + " $PPID; cat; touch " + done}
		b := w.lay(t, h, nil, func(b *bed, cmd *exec.Cmd) { b.trace(cmd, nil, "close:delay_exit=10000") })
		b.let()
		b.drain()
		b.feed(w.sealed[:len(w.sealed)-1])
		b.sawNoEnd(y, done)
	}
}
