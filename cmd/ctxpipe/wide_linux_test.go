package main

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ctxpipe/ctxpipe/internal/faults"
)

// A filter widens the pipes at both its ends, but none that somebody has sized.
func TestPipesAreWidened(t *testing.T) {
	for asked, want := range map[int]int{0: wide, usual / 2: usual / 2, 2 * usual: 2 * usual} {
		in, feed := pipeOf(t, asked)
		drain, out := pipeOf(t, asked)
		cmd := exec.Command("ctxpipe", "compress")
		cmd.Stdin, cmd.Stdout = in, out
		p := faults.Start(t, cmd)
		feed.Close()
		if status := p.End(); status != 0 {
			t.Errorf("status %d: %s", status, p.Said.String())
		}
		for _, f := range []*os.File{in, drain} {
			if has := room(t, f); has != want {
				t.Errorf("a pipe of %d holds %d", asked, has)
			}
		}
	}
}

func pipeOf(t *testing.T, size int) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	if size > 0 {
		if _, err := unix.FcntlInt(r.Fd(), unix.F_SETPIPE_SZ, size); err != nil {
			t.Fatal(err)
		}
	}
	return r, w
}

func room(t *testing.T, f *os.File) int {
	t.Helper()
	n, err := unix.FcntlInt(f.Fd(), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
