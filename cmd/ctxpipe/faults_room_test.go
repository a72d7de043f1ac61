//go:build linux

package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
}

var hurts = []hurt{
	{"compress", []string{"compress", "--chunk", "64K", "--level", "fastest"}, true, false, false},
	{"compress -o", []string{"compress", "--chunk", "64K", "--level", "fastest", "-o", "OUT"}, true, false, false},
	{"restore", []string{"restore"}, false, false, false},
	{"restore -o", []string{"restore", "-o", "OUT"}, false, false, false},
	{"restore --", []string{"restore", "--", "cat"}, false, false, true},
	{"ssh", []string{"ssh", "--level", "fastest", "--via", "exec cat #", "there", "true"}, true, true, true},
	{"receive", []string{"receive", "--", "cat"}, false, true, true},
}

func (h hurt) file() bool { return h.args[len(h.args)-1] == "OUT" }

// ward has what the commands are fed with.
type ward struct {
	stream, sealed, live []byte
	end                  int // of the stream: where libxc's END begins
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{stream: vectest.RealStream(t)}
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
	case h.packs:
		return w.stream
	case h.live:
		return w.live
	}
	return w.sealed
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
	if strings.Contains(b.process.Said.String(), "goroutine ") {
		b.Errorf("a panic: %s", b.process.Said.String())
	}
	return status, outcome
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
