package project

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ctxpipe/ctxpipe/"

// mayImport is the picture of docs/design.md: what each room may import of
// ours. A room that is not listed fails the test.
var mayImport = map[string][]string{
	"bench":                  {"bench/gen", "bench/link", "bench/peers", "bench/proc", "bench/result", "bench/saving", "internal/guestmem", "pipe"},
	"bench/gen":              {"frame", "frame/libxc", "frame/libxl", "frame/xl", "internal/guestmem"},
	"bench/link":             {"bench/result"},
	"bench/peers":            {"bench/proc", "bench/result", "pipe"},
	"bench/plot":             {},
	"bench/proc":             {},
	"bench/report":           {"bench/plot", "bench/result", "bench/saving"},
	"bench/result":           {},
	"bench/saving":           {"bench/proc", "bench/result", "frame", "internal/guestmem", "sink"},
	"frame":                  {},
	"frame/hvm":              {"frame"},
	"frame/libxc":            {"frame"},
	"frame/libxl":            {"frame"},
	"frame/xl":               {"frame"},
	"frame/zst":              {"frame"},
	"internal/bufpool":       {},
	"internal/fakexl":        {"frame", "frame/libxc", "frame/libxl", "frame/xl"},
	"internal/guestmem":      {},
	"internal/handler":       {"frame"},
	"internal/move":          {"frame/xl"},
	"internal/page":          {"internal/survey"},
	"internal/project":       {},
	"internal/survey":        {"frame", "frame/hvm", "frame/libxc", "frame/libxl", "frame/xl", "source/xen"},
	"internal/vecio":         {},
	"internal/vectest":       {"frame"},
	"internal/xio":           {},
	"internal/zenc":          {},
	"sink":                   {"frame", "internal/bufpool", "internal/handler", "internal/vecio", "internal/xio"},
	"source":                 {"frame", "internal/handler", "internal/xio"},
	"source/xen":             {"frame", "frame/hvm", "frame/libxc", "frame/libxl", "frame/xl", "source"},
	"pipe":                   {"frame", "frame/zst", "source/xen", "internal/bufpool", "internal/vecio", "internal/xio", "internal/zenc"},
	"cmd/ctxpipe":            {"bench", "bench/gen", "bench/peers", "bench/proc", "bench/report", "bench/result", "bench/saving", "frame", "frame/zst", "sink", "source", "source/xen", "pipe", "internal/guestmem", "internal/move", "internal/page", "internal/survey"},
	"internal/faults/report": {"internal/faults"},
	"internal/faults":        {"frame", "frame/hvm", "frame/libxc", "frame/libxl", "frame/xl", "frame/zst", "source/xen"},
}

func TestArrowsGoOneWay(t *testing.T) {
	// A profile would give each package that the command is made of a name of its own.
	cmd := exec.Command("go", "list", "-pgo=off", "-json=ImportPath,Imports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	rooms := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		room := strings.TrimPrefix(p.ImportPath, module)
		allowed, known := mayImport[room]
		if !known {
			t.Errorf("%s is a room that the picture does not show", room)
			continue
		}
		rooms++
		for _, i := range p.Imports {
			if ours, ok := strings.CutPrefix(i, module); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s must not import %s", room, ours)
			}
		}
	}
	if rooms != len(mayImport) {
		t.Errorf("%d rooms, the picture shows %d", rooms, len(mayImport))
	}
}
