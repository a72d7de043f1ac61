//go:build linux

package main

import (
	"bytes"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ctxpipe/ctxpipe/internal/faults"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/pipe"
)

var rounds = flag.Int("rounds", 200, "how many processes of pipelines to kill")

// killRounds is fewer under the race detector, where a process takes seconds.
func killRounds() int {
	if raceEnabled {
		return min(*rounds, 12)
	}
	return *rounds
}

// hurt is a command that faults are tried on.
type hurt struct {
	name  string
	args  []string // OUT is a file's name
	packs bool
	live  bool
	child bool // it runs a command, which is one more to have the output
	plain bool // it takes the stream itself, and gives that
	tells bool // a report comes out of it, and not the stream
}

var hurts = []hurt{
	{name: "compress", args: []string{"compress", "--chunk", "64K", "--level", "fastest"}, packs: true},
	{name: "compress -o", args: []string{"compress", "--chunk", "64K", "--level", "fastest", "-o", "OUT"}, packs: true},
	{name: "restore", args: []string{"restore"}},
	{name: "restore -o", args: []string{"restore", "-o", "OUT"}},
	{name: "restore --", args: []string{"restore", "--", "cat"}, child: true},
	{name: "ssh", args: []string{"ssh", "--level", "fastest", "--via", "exec cat #", "there", "true"}, packs: true, live: true, child: true},
	{name: "receive", args: []string{"receive", "--", "cat"}, live: true, child: true},
	{name: "verify", args: []string{"verify"}, tells: true},
	{name: "verify --pass-through", args: []string{"verify", "--pass-through"}, plain: true},
	{name: "inspect", args: []string{"inspect"}, tells: true},
	{name: "inspect --html", args: []string{"inspect", "--html", "OUT"}, tells: true},
}

func (h hurt) file() bool { return h.args[len(h.args)-1] == "OUT" }

// moves says whether it has the flags of a command that moves a stream.
func (h hurt) moves() bool { return !h.plain && !h.tells }

// ward has what the commands are fed with.
type ward struct {
	stream, sealed, live []byte
	end                  int // of the stream: where libxc's END begins
	mu                   sync.Mutex
	reports              map[string][]byte // of the commands that tell of it
}

func newWard(t *testing.T) *ward {
	t.Helper()
	return wardOf(t, vectest.RealStream(t))
}

func wardOf(t *testing.T, stream []byte) *ward {
	t.Helper()
	w := &ward{stream: stream, reports: make(map[string][]byte)}
	w.end = endOf(t, w.stream)
	w.sealed, w.live = sealedBy(t, w.stream), sealedBy(t, w.stream, pipe.WithLive(pipe.DefaultPause))
	return w
}

func sealedBy(t *testing.T, stream []byte, opts ...pipe.Option) []byte {
	t.Helper()
	var b bytes.Buffer
	c, err := pipe.NewCompressor(&b, append(opts, pipe.WithChunk(pipe.MinChunk), pipe.WithLevel(pipe.LevelFastest))...)
	if err == nil {
		_, err = c.Write(stream)
	}
	if err == nil {
		err = c.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fed gives what a command is fed with.
func (w *ward) fed(h hurt) []byte {
	switch {
	case h.packs, h.plain:
		return w.stream
	case h.live:
		return w.live
	}
	return w.sealed
}

// report gives what a command tells that nothing happens to.
func (w *ward) report(t *testing.T, h hurt) []byte {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reports[h.name] == nil {
		b := w.lay(t, h, nil, nil)
		b.let()
		b.drain()
		b.feed(w.fed(h))
		b.in.Close()
		told := <-b.got
		if status := b.process.End(); status != 0 {
			t.Fatalf("status %d: %s", status, b.process.Said.String())
		}
		if h.file() {
			told = b.file(0)
		}
		w.reports[h.name] = told
	}
	return w.reports[h.name]
}

// places gives so many places from 0 to n, the same ones in each run; the ends are among them.
// There are fewer under the race detector.
func places(n, count int) []int {
	if raceEnabled {
		count = min(count, 4)
	}
	rng := rand.New(rand.NewPCG(uint64(n), uint64(count)))
	at := []int{0, n}
	for len(at) < count {
		at = append(at, rng.IntN(n+1))
	}
	slices.Sort(at)
	return at
}

// bed is one command with pipes around it, as small as pipes can be, so that what it was
// given it has read, but for a page.
type bed struct {
	*testing.T
	w       *ward
	hurt    hurt
	dir     string
	process *faults.Process
	in, out *os.File // our ends
	childIn *os.File // its own, which are open here too
	childTo *os.File
	got     chan []byte
}

// lay makes a bed; prepare may change the command before it starts.
func (w *ward) lay(t *testing.T, h hurt, flags []string, prepare func(*bed, *exec.Cmd)) *bed {
	t.Helper()
	b := &bed{T: t, w: w, hurt: h, dir: t.TempDir(), got: make(chan []byte, 1)}
	args := append([]string{h.args[0]}, flags...)
	args = append(args, h.args[1:]...)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "OUT", filepath.Join(b.dir, "out"))
	}
	b.childIn, b.in = smallPipe(t)
	b.out, b.childTo = smallPipe(t)
	cmd := exec.Command("ctxpipe", args...)
	cmd.Stdin, cmd.Stdout = b.childIn, b.childTo
	if prepare != nil {
		prepare(b, cmd)
	}
	b.process = faults.Start(t, cmd)
	return b
}

func smallPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	_, _ = unix.FcntlInt(uintptr(p[0]), unix.F_SETPIPE_SZ, 4096)
	r, w = os.NewFile(uintptr(p[0]), "reader"), os.NewFile(uintptr(p[1]), "writer")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// let closes the child's ends here, so that it sees when we close ours.
func (b *bed) let() {
	b.childIn.Close()
	b.childTo.Close()
}

// drain collects the output.
func (b *bed) drain() {
	go func() {
		all, _ := io.ReadAll(b.out)
		b.got <- all
	}()
}

// feed writes, and says whether all was taken.
func (b *bed) feed(p []byte) bool {
	_, err := b.in.Write(p)
	return err == nil
}

// verdict waits for the end, and judges what has come out. The outcome is "whole" or
// "refused".
func (b *bed) verdict(got []byte) (status int, outcome string) {
	b.Helper()
	status = b.process.End()
	if b.hurt.file() {
		got = b.file(status)
	}
	if b.hurt.packs {
		got = b.restored(status, got)
	}
	if strings.Contains(b.process.Said.String(), "goroutine ") {
		b.Errorf("a panic: %s", b.process.Said.String())
	}
	if b.hurt.tells {
		return status, b.told(status, got)
	}
	switch {
	case status == 0 && bytes.Equal(got, b.w.stream):
		outcome = "whole"
	case status == 0:
		b.Errorf("status 0, and %d bytes of %d came out", len(got), len(b.w.stream))
	case len(got) > b.w.end && !b.hurt.child || !bytes.HasPrefix(b.w.stream, got):
		b.Errorf("status %d, and %d bytes came out, END is at %d", status, len(got), b.w.end)
	default:
		outcome = "refused"
	}
	return status, outcome
}

// told judges a report: it is whole only of a stream that is whole.
func (b *bed) told(status int, got []byte) string {
	b.Helper()
	want := b.w.report(b.T, b.hurt)
	switch {
	case status == 0 && bytes.Equal(got, want):
		return "whole"
	case status == 0:
		b.Errorf("status 0, and it told %q, not %q", got, want)
	case status == statusBad && bytes.Contains(got, []byte("NOT complete")): // what inspect could see of it
	case len(got) == len(want) || !bytes.HasPrefix(want, got):
		b.Errorf("status %d, and it told %q", status, got)
	}
	return "refused"
}

// file gives the output file, which there is only if the command was good, and nothing beside
// it.
func (b *bed) file(status int) []byte {
	b.Helper()
	found, err := os.ReadDir(b.dir)
	if err != nil {
		b.Fatal(err)
	}
	switch {
	case status == statusBad && b.hurt.tells && len(found) == 1 && found[0].Name() == "out": // of what could be seen
	case status != 0 && len(found) > 0:
		b.Errorf("status %d, and %v is left", status, found)
	case status == 0 && (len(found) != 1 || found[0].Name() != "out"):
		b.Errorf("status 0, and there is %v", found)
	case status == 0:
		if info, err := found[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
			b.Errorf("mode %v, %v", info.Mode(), err)
		}
		all, err := os.ReadFile(filepath.Join(b.dir, "out"))
		if err != nil {
			b.Fatal(err)
		}
		return all
	}
	return nil
}

// restored gives what comes out of a compressed stream, which has to be refused unless the
// command was good.
func (b *bed) restored(status int, stream []byte) []byte {
	b.Helper()
	r, err := pipe.NewRestorer(bytes.NewReader(stream))
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err == nil && status != 0 {
		b.Errorf("status %d, and the stream is sealed", status)
	}
	return got
}

// killGroup is for commands that leave others: they must not outlive the test.
func killGroup(b *bed, cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	b.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
}

// moment is long enough for a command to do what it has to do now, most times; nothing
// depends on it.
const moment = 20 * time.Millisecond
