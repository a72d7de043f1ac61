package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/bench/peers"
	"github.com/ctxpipe/ctxpipe/bench/proc"
	"github.com/ctxpipe/ctxpipe/bench/result"
	"github.com/ctxpipe/ctxpipe/bench/saving"
)

// TestMain lets this program be the command that saves.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == SaveCommand {
		size, err := strconv.ParseInt(os.Args[3], 10, 64)
		if err != nil {
			panic(err)
		}
		sample, err := saving.Save(os.Args[2], size, os.Stdout)
		if err != nil {
			panic(err)
		}
		if err := json.NewEncoder(os.Stderr).Encode(sample); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

var (
	cat = peers.Way{Name: "plain", Role: result.Plain, Compress: proc.Command{"cat"}, Restore: proc.Command{"cat"}}
	// It lingers, because the memory of a program is only seen while it runs.
	lingers = proc.Command{"sh", "-c", "cat; sleep 0.05"}
	again   = peers.Way{Name: "cat as a peer", Role: result.Peer, Compress: lingers, Restore: lingers}
)

func plan(t *testing.T, ways ...peers.Way) Plan {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no cat")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Plan{Self: self, Ways: ways, Rounds: 3, Say: func(what string) { t.Log(what) }}
}

func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

var content = bytes.Repeat([]byte("a guest's memory. "), 50_000)

// Of each part there is a sample for each round and subject.
func TestEveryPart(t *testing.T) {
	p := plan(t, cat, again)
	p.Files = []string{file(t, "a.xlsave", content), file(t, "b.xlsave", content[:1000])}
	p.Codecs, p.Rates, p.SaveSizes, p.FlatSizes = true, []int64{0, 1e9}, []int64{1 << 16, 1 << 20}, []int64{1 << 20, 8 << 20, 16 << 20}
	r, err := Measure(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Codecs) != 4 || len(r.Moves) != 8 || len(r.Saves) != 2*len(saving.Ways()) || len(r.Flat) != 6 || r.Link == nil || len(r.Subjects) != 2 {
		t.Fatalf("%d codecs, %d moves, %d saves, %d flat", len(r.Codecs), len(r.Moves), len(r.Saves), len(r.Flat))
	}
	for _, c := range r.Codecs {
		if len(c.Compress) != 3 || len(c.Restore) != 3*restores || c.Packed != r.Input(c.Input).Bytes || c.Compress[0].Wall <= 0 {
			t.Errorf("%+v", c)
		}
		if seen := c.Compress[0].Peak > 0 && c.Restore[0].Peak > 0; c.Subject == again.Name && seen != (runtime.GOOS == "linux") {
			t.Errorf("a peak where none is told, or none: %+v", c)
		}
	}
	for _, m := range r.Moves {
		rounds := map[int64]int{0: 3 * fastRounds, 1e9: 3}[m.Rate]
		if len(m.Samples) != rounds || m.Samples[0].Wall <= 0 || m.Samples[0].Peak != 0 {
			t.Errorf("%+v", m)
		}
	}
	for _, s := range r.Saves {
		if len(s.Samples) != 3*smallSaveRounds || s.Samples[2].Wall <= 0 {
			t.Errorf("%+v", s)
		}
	}
	for _, f := range r.Flat {
		rounds := map[int64]int{1 << 20: 3 * mostFlatRounds, 8 << 20: 6, 16 << 20: 3}[f.Bytes]
		if len(f.Compress) != rounds || len(f.Restore) != rounds {
			t.Errorf("%+v", f)
		}
	}
}

// That a context cannot be saved, or a guest not made up, is found out before the first hour of measuring.
func TestSizesAreCheckedFirst(t *testing.T) {
	for _, c := range []struct {
		saves, flat []int64
		want        string
	}{
		{[]int64{1 << 16, 1001}, nil, "1001"},
		{nil, []int64{1 << 20, 1002}, "1002"},
		{nil, []int64{0, 1 << 20}, "memory of 0 bytes"},
	} {
		p := plan(t, cat)
		p.Files, p.SaveSizes, p.FlatSizes = []string{"there is none"}, c.saves, c.flat
		if _, err := Measure(t.Context(), p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v", err)
		}
	}
}

// Each round begins with another subject, and every one has its turn in each.
func TestInTurn(t *testing.T) {
	p := Plan{Rounds: 3, Say: func(string) {}}
	order := ""
	err := p.inTurn(t.Context(), "", p.Rounds, 3, func(i int) error { order += strconv.Itoa(i); return nil })
	if order != "012120201" || err != nil {
		t.Errorf("%s, %v", order, err)
	}
}

// A stream in zstd, of a large window too, is measured as what is in it.
func TestPackedInput(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(256<<20))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][]byte{"guest.xlsave.zst": b.Bytes(), "guest.xlsave": content} {
		in, err := openInput(file(t, name, c))
		if err != nil {
			t.Fatal(err)
		}
		if in.Name != "guest.xlsave" || in.Bytes != int64(len(content)) {
			t.Errorf("%s: %+v", name, in.Input)
		}
		in.close()
	}
	for name, c := range map[string][]byte{"empty": nil, "cut.zst": b.Bytes()[:b.Len()/2]} {
		if in, err := openInput(file(t, name, c)); err == nil {
			t.Errorf("%s: %+v", name, in.Input)
		}
	}
}

// Who loses bytes, or fails, is not measured but reported.
func TestFailures(t *testing.T) {
	bad := func(name string, compress, restore string) peers.Way {
		return peers.Way{Name: name, Role: result.Peer, Compress: strings.Fields(compress), Restore: strings.Fields(restore)}
	}
	name := file(t, "guest.xlsave", content)
	for _, c := range []struct {
		way  peers.Way
		want string
	}{
		{bad("cutter", "head -c 100", "cat"), ""},
		{bad("swapper", "tr a b", "cat"), "does not give back"},
		{bad("failing", "cat", "sh -c exit\t7"), ""},
		{bad("absent", "/no/such/program", "cat"), "/no/such/program"},
		{bad("early", "cat", "true"), ""},
	} {
		for _, part := range []string{"codec", "link"} {
			p := plan(t, c.way)
			p.Files, p.Codecs = []string{name}, part == "codec"
			if part == "link" {
				p.Rates = []int64{0}
			}
			_, err := Measure(t.Context(), p)
			if swapped := c.way.Name == "swapper" && part == "link"; (err == nil) != swapped || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v", c.way.Name, part, err)
			}
		}
	}
}
