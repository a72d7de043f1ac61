//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/faults"
)

// A command that a command runs has what it would have if whoever started us had run it, who may have
// left more open for it: nothing of ours, and not the descriptor that we were told to take.
func TestReliabilityCommandsInheritNothing(t *testing.T) {
	w := newWard(t)
	file, err := os.Create(filepath.Join(t.TempDir(), "given"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, c := range []struct {
		flags []string
		given []*os.File
		taken string
	}{
		{nil, nil, ""},
		{[]string{"-v", "--stats", "-", "--timeout", "1m"}, nil, ""},
		{[]string{"--progress-fd", "2"}, nil, ""},
		{[]string{"--progress-fd", "3"}, []*os.File{file}, "3"},
		{nil, []*os.File{file}, ""},
		{[]string{"--progress-fd", "3"}, []*os.File{file, file}, "3"},
	} {
		plain := exec.Command("sh", "-c", "(ls /proc/$$/fd); true")
		plain.ExtraFiles = c.given
		out, err := plain.Output()
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(strings.Fields(string(out)), func(fd string) bool { return fd == c.taken })
		for _, h := range hurts {
			if !h.child {
				continue
			}
			y := faults.NewTally(t, "descriptors that a command inherits", h.name)
			list := filepath.Join(t.TempDir(), "list")
			b := w.lay(t, h.lists(list), c.flags, func(_ *bed, cmd *exec.Cmd) { cmd.ExtraFiles = c.given })
			b.let()
			b.drain()
			b.feed(w.fed(h))
			b.in.Close()
			_, outcome := b.verdict(<-b.got)
			got, err := os.ReadFile(list)
			if found := strings.Fields(string(got)); err != nil || !slices.Equal(found, want) {
				t.Errorf("%s %q: it has %s, want %s; %v", h.name, c.flags, found, want, err)
			}
			y.Count(outcome)
		}
	}
}

// lists lets the command that is run list its descriptors first.
func (h hurt) lists(to string) hurt {
	script := "(ls /proc/$$/fd >" + to + "); exec cat" // in a shell of its own, which opens the file
	h.args = slices.Clone(h.args)
	for i, arg := range h.args {
		switch arg {
		case "exec cat #":
			h.args[i] = script + " #"
		case "cat":
			h.args = append(h.args[:i], "sh", "-c", script)
		}
	}
	return h
}
