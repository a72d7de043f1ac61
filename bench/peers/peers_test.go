package peers

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/bench/proc"
	"github.com/ctxpipe/ctxpipe/bench/result"
)

// Each peer that is installed restores what it has compressed, between two files.
func TestPeersRoundTrip(t *testing.T) {
	content := bytes.Repeat([]byte("a guest's memory, more or less. "), 10_000)
	for _, w := range Installed("ctxpipe") {
		if w.Role == result.Ours {
			continue // the command's own tests
		}
		packed, restored := pass(t, w.Compress, content), []byte(nil)
		restored = pass(t, w.Restore, packed)
		packs := w.Role == result.Peer && w.OnFiles()
		if !bytes.Equal(restored, content) || packs && len(packed) > len(content)/4 {
			t.Errorf("%s: %d bytes packed, %d restored of %d", w.Name, len(packed), len(restored), len(content))
		}
		if s := w.Subject(t.Context()); w.Role == result.Peer && s.Version == "" {
			t.Errorf("%s: no version", w.Name)
		}
	}
}

func pass(t *testing.T, c proc.Command, content []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p, err := proc.Start(t.Context(), c, in, out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range append(own("/where/it/is"), others...) {
		if seen[w.Name] {
			t.Errorf("two ways are called %s", w.Name)
		}
		seen[w.Name] = true
		if s := w.Subject(t.Context()); strings.Contains(s.Compress+s.Restore, "/") {
			t.Errorf("a place is in %+v", s)
		}
	}
	some, unknown := Only(others, []string{"zstd -1", "cat", "plain"})
	if len(some) != 2 || some[0].Name != "zstd -1" || some[1].Name != "plain" || len(unknown) != 1 || unknown[0] != "cat" {
		t.Errorf("%v, unknown %q", some, unknown)
	}
}
