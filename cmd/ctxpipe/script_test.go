package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/pipe"
)

// commands are what tests find in their PATH.
var commands = map[string]func(){"ctxpipe": main}

func TestMain(m *testing.M) {
	testscript.Main(balanced{m}, commands)
}

// The scripts in testdata/script run the command as a user types it. They find
// in their folder:
//
//	real.xlsave      a save stream of a real Xen
//	foreign.zst      the same, compressed by another zstd in two frames
//	short.zst        the beginning of that
//	newer.zst        the beginning of a stream that says its reader has to know format 9
//	good.bin         a domain context, compact
//	wide.bin         another, wide
//	tsc.bin          one whose TSC_INFO is real, made by make
//	zeros            64 KiB of zeros
//	bad/…            malformed ones, by the names of their vectors
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			// Scripts have an environment of their own, and the race detector slows down each command.
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return prepare(t, env.WorkDir)
		},
		Condition: func(cond string) (bool, error) { return cond == "devfull" && runtime.GOOS == "linux", nil },
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"cut":   cut,
			"flip":  flip,
			"stats": stats,
		},
	})
}

func prepare(t *testing.T, dir string) error {
	real := vectest.RealStream(t)
	files := map[string][]byte{"real.xlsave": real, "zeros": make([]byte, 64<<10), "foreign.zst": append(foreign(t, real[:300_000]), foreign(t, real[300_000:])...)}
	files["short.zst"] = files["foreign.zst"][:1000]
	files["newer.zst"] = zst.AppendHeader(nil, zst.Header{Chunk: 1 << 20, Format: 9, Optional: []byte{9, 0x80, 1, 0, 1}})
	for _, s := range vectest.Sets(t) {
		for _, v := range s.Vectors {
			switch name := s.Layout.String() + "/" + v.Name; {
			case name == "compact/fixed-types-all":
				files["good.bin"] = v.Bytes(t)
			case name == "wide/types-all":
				files["wide.bin"] = v.Bytes(t)
			case !v.Valid() && v.File != "":
				files["bad/"+s.Layout.String()+"-"+v.Name+".bin"] = v.Bytes(t)
			}
		}
	}
	var tsc bytes.Buffer
	if err := makeContext(t.Context(), &tsc, 1<<20, 1); err != nil {
		return err
	}
	files["tsc.bin"] = tsc.Bytes()
	if err := os.Mkdir(filepath.Join(dir, "bad"), 0o700); err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// cut writes the first bytes of a file to another: cut FROM N TO, where a
// negative N counts from the end.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	n := number(ts, args[1])
	if n < 0 {
		n += len(b)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b[:n], 0o600))
}

// flip inverts the lowest bit of one byte: flip FROM N TO.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	n := number(ts, args[1])
	if n < 0 {
		n += len(b)
	}
	b[n] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b, 0o600))
}

// stats demands that the last line of a file is JSON whose numbers are as it is told:
// stats FILE NAME=N NAME>N NAME>=N NAME<N..., where a dot in NAME leads into an
// object. There may be reports before it where the machine is slow.
func stats(ts *testscript.TestScript, neg bool, args []string) {
	text := strings.TrimSuffix(ts.ReadFile(args[0]), "\n")
	text = text[strings.LastIndexByte(text, '\n')+1:]
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		ts.Fatalf("%s: %v in %q", args[0], err, text)
	}
	for _, arg := range args[1:] {
		m := regexp.MustCompile(`^([a-z_.]+)(=|>|>=|<)([0-9]+)$`).FindStringSubmatch(arg)
		if m == nil {
			ts.Fatalf("what is %q?", arg)
		}
		at, path := all, strings.Split(m[1], ".")
		for _, name := range path[:len(path)-1] {
			at, _ = at[name].(map[string]any)
		}
		got, ok := at[path[len(path)-1]].(float64)
		want := float64(number(ts, m[3]))
		good := map[string]bool{"=": got == want, ">": got > want, ">=": got >= want, "<": got < want}[m[2]]
		if !ok || !good {
			ts.Fatalf("%s: not %s: %s", args[0], arg, text)
		}
	}
}

func number(ts *testscript.TestScript, s string) int {
	var n int
	ts.Check(json.Unmarshal([]byte(s), &n))
	return n
}

// What inspect says of every vector is what the manifest says.
func TestInspectVectors(t *testing.T) {
	for _, s := range vectest.Sets(t) {
		for _, v := range s.Vectors {
			if !v.Valid() {
				continue
			}
			got, err := inspect(bytes.NewReader(v.Bytes(t)))
			if err != nil {
				t.Errorf("%s: %v", v.Name, err)
				continue
			}
			if got.Kind != "domain-context" || got.Layout != s.Layout.String() || got.Xen != (xenVersion{4, 15}) ||
				got.Consumed != int64(v.Size) || !got.Complete || len(got.Entries) != len(v.Entries) {
				t.Errorf("%s: %+v", v.Name, got)
				continue
			}
			for i, e := range v.Entries {
				d := e.Descriptor()
				want := entry{uint32(d.Type), got.Entries[i].Name, d.Instance, d.Length, int64(e.Offset), e.SHA256()}
				if got.Entries[i] != want {
					t.Errorf("%s: entry %d is %+v, want %+v", v.Name, i, got.Entries[i], want)
				}
			}
		}
	}
}

// The statistics are JSON with the fields that are documented.
func TestStatsAreJSON(t *testing.T) {
	name := filepath.Join(t.TempDir(), "stats")
	if err := writeStats(name, pipe.Stats{BytesIn: 1, BytesOut: 2, Frames: 3, Seconds: 4}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil || !strings.HasSuffix(string(b), "}\n") || strings.Count(string(b), "\n") != 1 {
		t.Fatalf("%q: %v", b, err)
	}
	for key, want := range map[string]float64{"bytes_in": 1, "bytes_out": 2, "frames": 3, "seconds": 4, "wait_reader": 0, "wait_workers": 0, "wait_writer": 0} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}

func TestStatusOfErrors(t *testing.T) {
	if got := statusOf(io.ErrUnexpectedEOF); got != statusBad {
		t.Errorf("a cut stream: %d", got)
	}
	if got := statusOf(os.ErrPermission); got != statusIO {
		t.Errorf("no permission: %d", got)
	}
	if got := statusOf(usagef("no")); got != statusUsage {
		t.Errorf("usage: %d", got)
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 20: "1.0 MiB", 5 << 40: "5.0 TiB", 1 << 60: "1048576.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %s, want %s", n, got, want)
		}
	}
}
