package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

//go:generate go test -run TestManualPages -update .

var update = flag.Bool("update", false, "write the manual pages instead of comparing them")

const manFolder = "../../man"

// The manual pages are made of the definitions of the commands, and those in the folder man
// are up to date. -update makes them so.
func TestManualPages(t *testing.T) {
	pages := manualPages(t)
	if *update {
		if err := os.RemoveAll(manFolder); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(manFolder, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, page := range pages {
			if err := os.WriteFile(filepath.Join(manFolder, name), page, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := os.ReadDir(manFolder)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(pages) {
		t.Errorf("%d files for %d pages: go generate ./cmd/ctxpipe", len(files), len(pages))
	}
	for name, page := range pages {
		if b, err := os.ReadFile(filepath.Join(manFolder, name)); err != nil || !bytes.Equal(b, page) {
			t.Errorf("%s is out of date: go generate ./cmd/ctxpipe (%v)", name, err)
		}
	}
}

// manualPages gives the pages by name: ctxpipe(1), and one for each command that is
// shown.
func manualPages(t *testing.T) map[string][]byte {
	t.Helper()
	root := newRoot()
	root.DisableAutoGenTag = true // no date of today
	pages := make(map[string][]byte)
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		if cmd.Hidden {
			continue // what this program runs of itself
		}
		name := "ctxpipe"
		if cmd != root {
			name += "-" + cmd.Name()
		}
		day := time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
		header := &doc.GenManHeader{Section: "1", Source: "ctxpipe", Manual: "ctxpipe", Date: &day}
		var page bytes.Buffer
		if err := doc.GenMan(cmd, header, &page); err != nil {
			t.Fatal(err)
		}
		pages[name+".1"] = page.Bytes()
	}
	return pages
}
