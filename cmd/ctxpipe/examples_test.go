//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/fakexl"
)

// Every example of README.md, docs/programs.md and the commands' help does what it is there for, with an xl
// and an ssh that need no Xen. Where there is a guest it is on the host here, or on
// source; guest.xlsave and guest.zst are of another one.
func TestExamples(t *testing.T) {
	for _, line := range examples(t) {
		t.Run(line, func(t *testing.T) {
			for mark, tool := range map[string]string{"| jq ": "jq", "'zstd -1'": "zstd"} {
				if _, err := exec.LookPath(tool); err != nil && strings.Contains(line, mark) {
					t.Skip(tool + " is not installed")
				}
			}
			if raceEnabled && strings.Contains(line, "bench --parts codec") {
				t.Skip("takes minutes under the race detector")
			}
			h := exampleHosts(t, line)
			status, said := h.run("sh", "-c", line)
			if status != 0 || strings.Contains(said, "ctxpipe: error: ") {
				t.Errorf("status %d\n%s", status, said)
			}
			h.sound(said)
			switch saved := strings.Contains(line, "xl save -p"); {
			case strings.Contains(line, " dest") && saved:
				h.has(said, "guest paused", "")
				h.runsOn("dest", "guest", said)
			case strings.Contains(line, " dest"):
				h.has(said, "", "")
				h.runsOn("dest", "guest", said)
			case strings.HasPrefix(line, "ssh source"):
				h.runsOn("here", "guest", said)
			case strings.Contains(line, "xl restore"):
				h.runsOn("here", "hvm64", said)
			}
		})
	}
}

// runsOn demands that a guest runs on a host.
func (h *hosts) runsOn(host, guest, said string) {
	h.Helper()
	if all := h.domains(host); !strings.Contains(all, guest+" running") {
		h.Errorf("%s has %q\n%s", host, all, said)
	}
}

var fenced = regexp.MustCompile("(?ms)^```\\w*\n(.*?)^```")

// examples gives the command lines of the pages, and those of the help of every command.
func examples(t *testing.T) []string {
	t.Helper()
	var text []string
	for _, page := range []string{"README.md", "docs/programs.md"} {
		b, err := os.ReadFile("../../" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range fenced.FindAllStringSubmatch(string(b), -1) {
			text = append(text, block[1])
		}
	}
	for _, cmd := range newRoot().Commands() {
		if cmd.Hidden {
			continue
		}
		if cmd.Example == "" || !strings.Contains(cmd.Example, "ctxpipe "+cmd.Name()) && cmd.Name() != "receive" {
			t.Errorf("%s has no example of itself", cmd.Name())
		}
		text = append(text, cmd.Example)
	}
	text = append(text, newRoot().Example)
	seen := make(map[string]bool)
	var lines []string
	for _, line := range strings.Split(strings.Join(text, "\n"), "\n") {
		line = strings.TrimSpace(line)
		if regexp.MustCompile(`^(xl|ssh|ctxpipe) `).MatchString(line) && !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	if len(lines) < 20 {
		t.Errorf("only %d examples", len(lines))
	}
	return lines
}

// exampleHosts gives hosts with what the examples speak of.
func exampleHosts(t *testing.T, line string) *hosts {
	t.Helper()
	h := &hosts{t, fakexl.Dir(t.TempDir()), ""}
	at := "here"
	if strings.HasPrefix(line, "ssh source") {
		at = "source"
	}
	if _, err := h.Create(at, "guest", guestStream(t)); err != nil {
		t.Fatal(err)
	}
	if err := prepare(t, string(h.Dir)); err != nil {
		t.Fatal(err)
	}
	move := func(from, to string) {
		if err := os.Rename(filepath.Join(string(h.Dir), from), filepath.Join(string(h.Dir), to)); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"newer.zst", "short.zst"} {
		if err := os.Remove(filepath.Join(string(h.Dir), bad)); err != nil {
			t.Fatal(err)
		}
	}
	move("real.xlsave", "guest.xlsave")
	move("tsc.bin", "context.bin")
	if strings.Contains(line, "-o guest.zst") {
		return h // it makes guest.zst itself
	}
	if status, said := h.run("ctxpipe", "compress", "guest.xlsave", "-o", "guest.zst"); status != 0 {
		t.Fatal(said)
	}
	return h
}
