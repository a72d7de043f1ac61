//go:build linux

package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/faults"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// canary is what a guest's memory is full of in these tests. It is short enough to be found
// wherever even a part of a line of it shows.
var canary = func() []byte {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte('!' + rand.IntN(90))
	}
	return b
}()

// sings says whether any six bytes of the canary, in whatever form, are in what was said.
func sings(said []byte) bool {
	twice := append(bytes.Clone(canary), canary...)
	for i := range canary {
		six := twice[i : i+6]
		backwards := []byte{six[5], six[4], six[3], six[2], six[1], six[0]}
		for _, form := range [][]byte{six, []byte(hex.EncodeToString(six)), []byte(hex.EncodeToString(backwards)), []byte(fmt.Sprint(six))} {
			if bytes.Contains(said, form) || bytes.Contains(bytes.ToLower(said), form) {
				return true
			}
		}
	}
	return false
}

// canaryStream is a save stream whose pages are full of it.
func canaryStream(t *testing.T) []byte {
	t.Helper()
	stream := bytes.Clone(vectest.RealStream(t))
	var pages []int64
	w, err := xen.New(xen.WithVisitor(xen.Visitor{PageData: func(p xen.PagePiece) {
		if p.At == 0 {
			pages = append(pages, p.Offset)
		}
	}}))
	if err == nil {
		_, err = w.Write(stream)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range pages {
		copy(stream[at:at+4096], bytes.Repeat(canary, 512))
	}
	if len(pages) == 0 || !sings([]byte(fmt.Sprintf("got %x", stream[pages[0]:pages[0]+100]))) {
		t.Fatal("the canary cannot sing")
	}
	return stream
}

// quiet runs a command on an input and demands that it says nothing of the canary. What is
// to be seen besides is standard error with statistics and progress.
func quiet(t *testing.T, y *faults.Tally, in []byte, args ...string) {
	t.Helper()
	dir := t.TempDir()
	tmp := t.TempDir()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "OUT", filepath.Join(dir, "out"))
	}
	cmd := exec.Command("ctxpipe", args...)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	cmd.Dir = tmp
	var out bytes.Buffer
	if args[0] == "verify" || args[0] == "inspect" || args[0] == "compress" {
		cmd.Stdout = &out
	}
	p := faults.Start(t, cmd)
	status := p.End()
	if sings(p.Said.Bytes()) || args[0] != "compress" && sings(out.Bytes()) {
		t.Errorf("%v: status %d, the canary sings: %.300s", args, status, p.Said.String())
	}
	checkFiles(t, tmp, nil)
	checkFiles(t, dir, []string{"out"})
	y.Count(map[bool]string{true: "quiet, good", false: "quiet, refused"}[status == 0])
}

// checkFiles demands that a folder has no files but those, which only their owner can
// read.
func checkFiles(t *testing.T, dir string, but []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && (len(but) == 0 || d.Name() != but[0] || info.Mode().Perm() != 0o600) {
			t.Errorf("%s is there, %v", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Nothing of a guest's memory shows but where it belongs: not in what is said of good and
// damaged streams at every layer, nor in statistics, progress, or files beside the output.
func TestReliabilityCanary(t *testing.T) {
	stream := canaryStream(t)
	sealed := sealedBy(t, stream)
	loud := []string{"-v", "--stats", "-", "--progress-fd", "2"}
	with := func(args ...string) []string { return append(args[:1:1], append(loud, args[1:]...)...) }
	rng := rand.New(rand.NewPCG(7, 8))
	inputs := map[string][][]byte{"payload": {stream}, "sealed": {sealed}}
	for range 12 {
		for name, good := range map[string][]byte{"payload": stream, "sealed": sealed} {
			flipped, n := bytes.Clone(good), rng.IntN(len(good))
			flipped[n] ^= 1 << rng.IntN(8)
			// What is lost shifts what follows, so that memory is taken for headers.
			lost := append(bytes.Clone(good[:n]), good[min(len(good), n+1+rng.IntN(5000)):]...)
			inputs[name] = append(inputs[name], flipped, good[:n], lost)
		}
	}
	if raceEnabled {
		inputs["payload"], inputs["sealed"] = inputs["payload"][:6], inputs["sealed"][:6]
	}
	for _, c := range []struct {
		name, input string
		args        []string
	}{
		{"compress -o", "payload", with("compress", "-o", "OUT")},
		{"compress --check strict", "payload", with("compress", "--check", "strict")},
		{"verify --all", "payload", []string{"verify", "--all"}},
		{"inspect", "payload", []string{"inspect", "-v", "--json"}},
		{"restore -o", "sealed", with("restore", "-o", "OUT")},
		{"restore --", "sealed", with("restore", "--", "cat")},
		{"verify --all --json", "sealed", []string{"verify", "--all", "--json"}},
		{"compress -t", "sealed", []string{"compress", "-t", "-v"}},
		{"compress -l", "sealed", []string{"compress", "-l", "-v"}},
	} {
		y := faults.NewTally(t, "a canary in good and damaged memory", c.name)
		for _, in := range inputs[c.input] {
			quiet(t, y, in, append([]string(nil), c.args...)...)
		}
	}
}

// The hostile inputs are refused without a word of what they are filled with.
func TestReliabilityCanaryInHostileInput(t *testing.T) {
	if raceEnabled {
		t.Skip("slow, and the same")
	}
	y := faults.NewTally(t, "a canary in hostile input", "verify, restore, compress, inspect")
	for _, h := range faults.Hostile() {
		h.Fill = bytes.Repeat(canary, 512)
		h.Long = 1 << 20
		b, err := io.ReadAll(h.Reader())
		if err != nil {
			t.Fatal(err)
		}
		quiet(t, y, b, strings.Fields(h.Args[0])...)
	}
}

// A trace that somebody asks for shows no memory, and no core is left.
func TestReliabilityCanaryInTraces(t *testing.T) {
	stream := canaryStream(t)
	for _, h := range hurts {
		y := faults.NewTally(t, "SIGQUIT, SIGABRT", h.name)
		for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT} {
			w := wardOf(t, stream)
			b := w.lay(t, h, nil, func(_ *bed, cmd *exec.Cmd) { cmd.Env = append(os.Environ(), "GOTRACEBACK=all") })
			b.let()
			b.drain()
			fed := w.fed(h)
			b.feed(fed[:len(fed)/2])
			_ = b.process.Process.Signal(sig)
			<-b.got
			status := b.process.End()
			if said := b.process.Said.Bytes(); status == 0 || !bytes.Contains(said, []byte("goroutine ")) || sings(said) {
				t.Errorf("%v: status %d, %d bytes, the canary sings: %v", sig, status, len(said), sings(said))
			}
			if h.file() {
				checkFiles(t, b.dir, nil)
			}
			y.Count("quiet")
		}
	}
}
