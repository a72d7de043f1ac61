//go:build linux

package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ctxpipe/ctxpipe/internal/faults"
)

// Whatever happens to a command: it ends; what it says is good is whole; and whatever else
// came out is the beginning of a stream that starts no guest, or no file at all.
func TestReliabilityFaults(t *testing.T) {
	w := newWard(t)
	for _, f := range []struct {
		name string
		when func(hurt) bool // nil: all commands
		do   func(*faults.Tally, *ward, *testing.T, hurt)
	}{
		{"one byte at a time", nil, oneByteAtATime},
		{"descriptors that do not wait", nil, nonBlocking},
		{"descriptors that no longer wait", nil, nonBlockingLater},
		{"a read that fails", nil, failedRead},
		{"no space, at once", func(h hurt) bool { return !h.file() }, devFull},
		{"no space, in the middle", hurt.file, fileLimit},
		{"the reader goes away", func(h hurt) bool { return !h.file() }, readerGone},
		{"standard error broken", nil, stderrBroken},
		{"the input stalls", nil, inputStalls},
		{"the output stalls", func(h hurt) bool { return !h.file() }, outputStalls},
		{"SIGINT, SIGTERM, SIGHUP", nil, signalled},
	} {
		for _, h := range hurts {
			if f.when != nil && !f.when(h) {
				continue
			}
			t.Run(f.name+"/"+h.name, func(t *testing.T) {
				if strings.HasSuffix(f.name, "stalls") {
					t.Parallel() // most of it is waiting
				}
				f.do(faults.NewTally(t, f.name, h.name), w, t, h)
			})
		}
	}
}

func oneByteAtATime(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	b := w.lay(t, h, nil, nil)
	b.let()
	got := make(chan []byte)
	go func() {
		var all, one = []byte(nil), make([]byte, 1)
		for len(all) < 20_000 {
			if n, err := b.out.Read(one); n == 0 || err != nil {
				break
			}
			all = append(all, one[0])
		}
		rest, _ := io.ReadAll(b.out)
		got <- append(all, rest...)
	}()
	fed := w.fed(h)
	for i := range 20_000 {
		b.feed(fed[i : i+1])
	}
	b.feed(fed[20_000:])
	b.in.Close()
	status, outcome := b.verdict(<-got)
	if status != 0 {
		t.Errorf("status %d: %s", status, b.process.Said.String())
	}
	y.Count(outcome)
}

// nonBlocking gives the command descriptors that somebody else has told not to wait. The
// commands that it runs share its output, and may not like that.
func nonBlocking(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	b := w.lay(t, h, nil, func(b *bed, _ *exec.Cmd) {
		setNonblock(t, b.childIn, true)
		setNonblock(t, b.childTo, true)
	})
	b.let()
	time.Sleep(moment) // it finds nothing to read
	fed := w.fed(h)
	half := make(chan bool)
	go func() {
		b.feed(fed)
		close(half)
		b.in.Close()
	}()
	time.Sleep(moment) // nor room to write
	b.drain()
	<-half
	status, outcome := b.verdict(<-b.got)
	if status != 0 && !h.child {
		t.Errorf("status %d: %s", status, b.process.Said.String())
	}
	y.Count(outcome)
}

// nonBlockingLater changes them while the command is waiting.
func nonBlockingLater(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	for _, both := range []bool{true, false} {
		b := w.lay(t, h, nil, nil)
		fed := w.fed(h)
		if b.feed(fed[:8192]) {
			if both {
				setNonblock(t, b.childIn, true)
			}
			setNonblock(t, b.childTo, true)
		}
		b.let()
		go func() {
			b.feed(fed[8192:])
			b.in.Close()
		}()
		time.Sleep(moment)
		b.drain()
		_, outcome := b.verdict(<-b.got)
		y.Count(outcome)
	}
}

func setNonblock(t *testing.T, f *os.File, on bool) {
	raw, err := f.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { err = unix.SetNonblock(int(fd), on) })
	}
	if err != nil {
		t.Error(err)
	}
}

// failedRead lets the input end by an error: at once, as a folder does, and in the middle, as a
// connection that is reset.
func failedRead(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	folder, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	ours, theirs := connection(t)
	for i, in := range []*os.File{folder, theirs} {
		b := w.lay(t, h, nil, func(_ *bed, cmd *exec.Cmd) { cmd.Stdin = in })
		b.let()
		in.Close()
		b.drain()
		if i == 1 {
			fed := w.fed(h)
			_, _ = ours.Write(fed[:len(fed)/2])
			_ = ours.SetLinger(0)
			ours.Close()
		}
		status, outcome := b.verdict(<-b.got)
		if status != statusIO {
			t.Errorf("status %d: %s", status, b.process.Said.String())
		}
		y.Count(outcome)
	}
}

// connection gives a connection that can be reset, and its other end for a command.
func connection(t *testing.T) (*net.TCPConn, *os.File) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	f, err := theirs.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	return ours.(*net.TCPConn), f
}

func devFull(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	b := w.lay(t, h, nil, func(_ *bed, cmd *exec.Cmd) { cmd.Stdout = full })
	b.let()
	b.feed(w.fed(h))
	b.in.Close()
	status, outcome := b.verdict(nil)
	if status == 0 || !h.child && status != statusIO {
		t.Errorf("status %d: %s", status, b.process.Said.String())
	}
	y.Count(outcome)
}

// fileLimit leaves room for a part of the file, by a limit and, where one can be mounted, by a
// file system of that size.
func fileLimit(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	limit := func(_ *bed, cmd *exec.Cmd) {
		// In blocks of 512 bytes, or of 1024 in some shells.
		cmd.Args = append([]string{"sh", "-c", `ulimit -f 8 && exec "$@"`, "sh"}, cmd.Args...)
		cmd.Path, _ = exec.LookPath("sh")
	}
	small := func(b *bed, _ *exec.Cmd) {
		if err := unix.Mount("none", b.dir, "tmpfs", 0, "size=8192"); err != nil {
			t.Skipf("no file system of 8 KiB: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(b.dir, unix.MNT_DETACH) })
	}
	for _, prepare := range []func(*bed, *exec.Cmd){limit, small} {
		b := w.lay(t, h, nil, prepare)
		b.let()
		b.feed(w.fed(h))
		b.in.Close()
		status, outcome := b.verdict(nil)
		if status != statusIO {
			t.Errorf("status %d: %s", status, b.process.Said.String())
		}
		y.Count(outcome)
	}
}

// readerGone closes the reading end after some of the output.
func readerGone(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	for _, n := range []int64{0, 1, 5000} {
		b := w.lay(t, h, nil, nil)
		b.let()
		fed := make(chan bool)
		go func() {
			b.feed(w.fed(h))
			b.in.Close()
			close(fed)
		}()
		got, _ := io.ReadAll(io.LimitReader(b.out, n))
		b.out.Close()
		if status, outcome := b.verdict(got); status != 0 {
			y.Count(outcome)
		} else {
			t.Error("status 0")
		}
		<-fed
	}
}

// stderrBroken takes standard error away from a command that wants to use it.
func stderrBroken(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	for _, cut := range []int{0, 1} {
		r, broken := smallPipe(t)
		r.Close()
		b := w.lay(t, h, []string{"-v", "--stats", "-"}, func(_ *bed, cmd *exec.Cmd) { cmd.Stderr = broken })
		b.let()
		b.drain()
		fed := w.fed(h)
		b.feed(fed[:len(fed)-cut])
		b.in.Close()
		got := <-b.got
		if cut == 1 {
			_, outcome := b.verdict(got)
			y.Count(outcome)
			continue
		}
		// The stream is whole already, and only what was to be said is lost.
		if status := b.process.End(); status != statusPipe {
			t.Errorf("status %d, and the statistics are lost", status)
		}
		if h.file() {
			got = b.file(0)
		}
		if h.packs {
			got = b.restored(0, got)
		}
		if !bytes.Equal(got, w.stream) {
			t.Errorf("%d bytes of %d", len(got), len(w.stream))
		}
		y.Count("whole")
	}
}

const shortTimeout = "300ms"

func inputStalls(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	for _, n := range []int{0, 8192, 1 << 30} {
		fed := w.fed(h)
		fed = fed[:min(n, len(fed)-1)]
		b := w.lay(t, h, []string{"--timeout", shortTimeout}, nil)
		b.let()
		b.drain()
		b.feed(fed)
		b.gaveUp(y, <-b.got)
	}
}

func outputStalls(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	b := w.lay(t, h, []string{"--timeout", shortTimeout}, killGroup)
	b.childIn.Close()
	b.childTo.Close()
	go b.feed(w.fed(h))
	// A command that it has started is stuck itself, and keeps the output.
	go func() {
		_ = unix.Waitid(unix.P_PID, b.process.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		b.drain()
	}()
	b.gaveUp(y, <-b.got)
}

// gaveUp demands that the command has ended because nothing moved.
func (b *bed) gaveUp(y *faults.Tally, got []byte) {
	b.Helper()
	status, outcome := b.verdict(got)
	if said := b.process.Said.String(); status != statusIO || !strings.Contains(said, "ctxpipe: error: not a byte has come or gone for "+shortTimeout) {
		b.Errorf("status %d: %s", status, said)
	}
	y.Count(outcome)
}

func signalled(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		for _, part := range []float64{0.02, 0.5, 0.9} {
			fed := w.fed(h)
			b := w.lay(t, h, nil, nil)
			b.let()
			b.drain()
			b.feed(fed[:int(part*float64(len(fed)))])
			if err := b.process.Process.Signal(sig); err != nil {
				t.Error(err)
			}
			status, outcome := b.verdict(<-b.got)
			if status != 128+int(sig) {
				t.Errorf("%v: status %d: %s", sig, status, b.process.Said.String())
			}
			y.Count(outcome)
		}
	}
}

// A command behind restore is killed by a signal or a stall, before it can take the end of its
// input for the end of a payload that is no save stream.
func TestReliabilityCommandSeesNoFalseEnd(t *testing.T) {
	w := newWard(t)
	w.stream = make([]byte, 300_000)
	w.sealed = sealedBy(t, w.stream)
	done := filepath.Join(t.TempDir(), "done")
	h := hurt{"restore -- (no save stream)", []string{"restore", "--", "sh", "-c", "cat; touch " + done}, false, false, true}
	for _, c := range []struct {
		fault string
		flags []string
		sig   os.Signal
	}{
		{"SIGINT, SIGTERM, SIGHUP", nil, syscall.SIGTERM},
		{"the input stalls", []string{"--timeout", shortTimeout}, nil},
	} {
		y := faults.NewTally(t, c.fault, h.name)
		b := w.lay(t, h, c.flags, killGroup)
		b.let()
		if b.feed(w.sealed[:len(w.sealed)-50]); c.sig != nil {
			_, _ = io.ReadFull(b.out, make([]byte, 1)) // the command runs
			_ = b.process.Process.Signal(c.sig)
		}
		b.drain()
		<-b.got
		if b.process.End() == 0 {
			t.Error("status 0")
		}
		if _, err := os.Stat(done); err == nil {
			t.Errorf("%s: the command saw an end", c.fault)
		}
		y.Count("refused")
	}
}

// Of a pipeline any process may be killed at any moment: the file at its end is whole or not
// there, and nothing lies beside it.
func TestReliabilityKilledPipelines(t *testing.T) {
	w := newWard(t)
	rng := rand.New(rand.NewPCG(5, 6))
	y := map[string]*faults.Tally{}
	for _, who := range []string{"compress", "restore -o"} {
		y[who] = faults.NewTally(t, "SIGKILL", "compress | restore -o: "+who)
	}
	for i := range killRounds() {
		dir := t.TempDir()
		name := filepath.Join(dir, "out")
		in, feed := smallPipe(t)
		r, to := smallPipe(t)
		compress := exec.Command("ctxpipe", "compress", "--chunk", "64K", "--level", "elide")
		compress.Stdin, compress.Stdout = in, to
		restore := exec.Command("ctxpipe", "restore", "-o", name)
		restore.Stdin = r
		first, second := faults.Start(t, compress), faults.Start(t, restore)
		in.Close()
		to.Close()
		r.Close()
		who, victim := "compress", first
		if i%2 == 1 {
			who, victim = "restore -o", second
		}
		// Often at the very end, where what was let out and what was not is decided.
		at := rng.IntN(len(w.stream) + 1)
		if i%4 > 1 {
			at = len(w.stream)
		}
		_, _ = feed.Write(w.stream[:at])
		if at == len(w.stream) {
			feed.Close()
			time.Sleep(time.Duration(rng.IntN(8000)) * time.Microsecond)
		}
		_ = victim.Process.Kill()
		feed.Close()
		first.End()
		status := second.End()
		y[who].Count(judgePipeline(t, dir, status, w.stream))
	}
}

func judgePipeline(t *testing.T, dir string, status int, want []byte) string {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "out"))
	switch {
	case len(found) == 0 && status != 0:
		return "refused"
	case len(found) == 1 && err == nil && bytes.Equal(got, want):
		return "whole" // it may have been killed behind that
	}
	t.Errorf("status %d, and %v is there, %d bytes", status, found, len(got))
	return "wrong"
}
