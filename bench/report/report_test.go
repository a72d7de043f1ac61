package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/bench/result"
)

var update = flag.Bool("update", false, "make the golden files anew")

func testRun(t *testing.T) *result.Run {
	t.Helper()
	f, err := os.Open("testdata/run.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := result.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := Text(&b, testRun(t)); err != nil {
		t.Fatal(err)
	}
	golden(t, "tables.txt", b.String())
}

// The page is the golden one, each picture it shows is there, and each is shown.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "BENCHMARKS.md")
	if err := WriteFiles(testRun(t), page, ""); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "page.md", string(b))
	shown := map[string]bool{}
	for _, m := range regexp.MustCompile(`!\[[^\]]*\]\(([^)]*)\)`).FindAllStringSubmatch(string(b), -1) {
		shown[filepath.Base(m[1])] = true
		if svg, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(m[1]))); err != nil || !bytes.HasPrefix(svg, []byte("<svg ")) {
			t.Errorf("%s: %v", m[1], err)
		}
	}
	made, err := os.ReadDir(filepath.Join(dir, "docs", "plots"))
	if err != nil || len(made) != len(shown) || len(made) != 4 {
		t.Errorf("%d pictures made, %d shown, %v", len(made), len(shown), err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "|") && !strings.HasSuffix(line, "|\n") {
			t.Errorf("a row without an end: %q", line)
		}
	}
}

// Of what is made to be lost in the run every thing is found, and nothing else.
func TestLosses(t *testing.T) {
	lost := map[string]string{}
	for _, g := range Groups(testRun(t)) {
		if g.Met+len(g.Losses) != g.Of {
			t.Errorf("%+v does not add up", g)
		}
		lost[g.Name] = strings.Join(g.Losses, "\n")
	}
	for group, words := range map[string][]string{
		beatsPeers: nil, beatsPlain: {"guest.xlsave at no limit", "plain takes 0.500", "1.20 times as long"},
		onTheFront: {"lz4 -1 packs 2.50 to 1 for 1.50", "no level is as cheap", "ctxpipe fastest packs as well for 2.20"}, restoresFast: {"1.33 times as fast"},
		staysFlat: nil, plansFast: {"1 GiB", "1.20 times"}, plansSmall: nil,
	} {
		got, there := lost[group]
		if !there || (len(words) == 0) != (got == "") || strings.Count(got, "\n") > 0 {
			t.Errorf("%s: lost %q", group, got)
		}
		for _, w := range words {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q is not in %q", group, w, got)
			}
		}
	}
	memory := memoryLosses(testRun(t))
	if len(memory) != 2 || !strings.HasSuffix(memory[0], "less is taken by zstd -1 16.0, lz4 -1 9.00.") {
		t.Errorf("memory: %q", memory)
	}
}

// Who loses to no filter at all is told what a filter takes that does nothing.
func TestLossToPlainTellsOfIdleFilter(t *testing.T) {
	r := testRun(t)
	r.Subjects = append(r.Subjects, result.Subject{Name: idleFilter, Role: result.Peer})
	r.Moves = append(r.Moves, result.Move{Input: r.Inputs[0].Name, Subject: idleFilter, Samples: []result.Sample{{Wall: 0.75}}})
	var losses []string
	for _, g := range Groups(r) {
		if g.Name == beatsPlain {
			losses = g.Losses
		}
	}
	if len(losses) != 1 || !strings.HasSuffix(losses[0], " times as long. cat at both ends, which does nothing, takes 0.750 (0.750–0.750) s.") {
		t.Errorf("%q", losses)
	}
}

// What a stream may need of memory counts, in whatever round it did.
func TestFlatInEveryRound(t *testing.T) {
	const mib = 1 << 20
	rounds := func(peaks ...int64) (all []result.Sample) {
		for _, p := range peaks {
			all = append(all, result.Sample{Peak: p * mib})
		}
		return all
	}
	for _, c := range []struct {
		name            string
		shorter, longer []result.Sample
		met             bool
	}{
		{"as much, in other rounds", rounds(20, 20, 30), rounds(30, 30, 20), true},
		{"more in one round", rounds(20, 20, 20), rounds(20, 30, 20), false},
	} {
		r := &result.Run{Subjects: []result.Subject{{Name: "ours", Role: result.Ours}}, Flat: []result.Flat{
			{Subject: "ours", Bytes: 1, Compress: c.shorter, Restore: c.shorter},
			{Subject: "ours", Bytes: 2, Compress: c.longer, Restore: c.longer},
		}}
		if all := flatClaims(r); len(all) != 1 || all[0].Met != c.met {
			t.Errorf("%s: %+v", c.name, all)
		}
	}
}

// A run of some parts only, or of nothing, makes a page too.
func TestPartsOfARun(t *testing.T) {
	for name, cut := range map[string]func(r *result.Run){
		"no codecs": func(r *result.Run) { r.Codecs = nil }, "no moves": func(r *result.Run) { r.Moves, r.Link = nil, nil },
		"no peers": func(r *result.Run) { r.Subjects = r.Subjects[3:] }, "nothing": func(r *result.Run) { *r = result.Run{} },
		"no saves": func(r *result.Run) { r.Saves, r.Flat = nil, nil },
	} {
		r := testRun(t)
		cut(r)
		if err := WriteFiles(r, filepath.Join(t.TempDir(), "page.md"), filepath.Join(t.TempDir(), "plots")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNumbers(t *testing.T) {
	for f, want := range map[float64]string{0: "0.000", 0.1234: "0.123", 1.234: "1.23", 12.34: "12.3", 1234.5: "1234"} {
		if got := short(f); got != want {
			t.Errorf("%g: %s, want %s", f, got, want)
		}
	}
	for n, want := range map[int64]string{5: "5 B", 64 << 10: "64 KiB", 1 << 30: "1 GiB", 1 << 50: "1024 TiB", 1500: "1500 B"} {
		if got := byteName(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if got := fileName("a b/c_1.xlsave"); got != "a-b-c-1.xlsave" {
		t.Error(got)
	}
}
