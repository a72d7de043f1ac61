//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
		{"the input stalls", hurt.moves, inputStalls},
		{"the output stalls", func(h hurt) bool { return h.moves() && !h.file() }, outputStalls},
		{"SIGINT, SIGTERM, SIGHUP", nil, signalled},
		{"calls that a signal interrupts (EINTR)", nil, interrupted},
	} {
		for _, h := range hurts {
			if f.when != nil && !f.when(h) {
				continue
			}
			t.Run(f.name+"/"+h.name, func(t *testing.T) {
				if strings.HasSuffix(f.name, "stalls") || strings.HasSuffix(f.name, "(EINTR)") {
					t.Parallel() // most of it is waiting
				}
				f.do(faults.NewTally(t, f.name, h.name), w, t, h)
			})
		}
	}
}

// oneByteAtATime gives and takes single bytes for a while: at the beginning, at the end, and in
// between.
func oneByteAtATime(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	const long = 10_000
	fed := w.fed(h)
	for _, from := range places(len(fed)-long, 4) {
		b := w.lay(t, h, nil, nil)
		b.let()
		go func() {
			var all, one = []byte(nil), make([]byte, 1)
			for len(all) < long {
				if n, err := b.out.Read(one); n == 0 || err != nil {
					break
				}
				all = append(all, one[0])
			}
			rest, _ := io.ReadAll(b.out)
			b.got <- append(all, rest...)
		}()
		b.feed(fed[:from])
		for i := from; i < from+long; i++ {
			b.feed(fed[i : i+1])
		}
		b.feed(fed[from+long:])
		b.in.Close()
		status, outcome := b.verdict(<-b.got)
		if status != 0 {
			t.Errorf("status %d: %s", status, b.process.Said.String())
		}
		y.Count(outcome)
	}
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
	fed := w.fed(h)
	for i, at := range places(8<<10, 12) {
		b := w.lay(t, h, nil, nil)
		if b.feed(fed[:at]) {
			if i%2 == 0 {
				setNonblock(t, b.childIn, true)
			}
			setNonblock(t, b.childTo, true)
		}
		b.let()
		go func() {
			b.feed(fed[at:])
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

// failedRead lets the input end by an error: at once, as a folder does, and anywhere, as a
// connection that is reset.
func failedRead(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	folder, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fails := func(in *os.File, feed func()) {
		b := w.lay(t, h, nil, func(_ *bed, cmd *exec.Cmd) { cmd.Stdin = in })
		b.let()
		in.Close()
		b.drain()
		feed()
		status, outcome := b.verdict(<-b.got)
		if status != statusIO {
			t.Errorf("status %d: %s", status, b.process.Said.String())
		}
		y.Count(outcome)
	}
	fails(folder, func() {})
	fed := w.fed(h)
	for _, at := range places(len(fed), 16) {
		ours, theirs := connection(t)
		fails(theirs, func() {
			_, _ = ours.Write(fed[:at])
			_ = ours.SetLinger(0)
			ours.Close()
		})
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
	limit := func(pages int) func(*bed, *exec.Cmd) {
		return func(_ *bed, cmd *exec.Cmd) {
			// In blocks of 512 bytes, or of 1024 in some shells.
			cmd.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -f %d && exec "$@"`, pages*4), "sh"}, cmd.Args...)
			cmd.Path, _ = exec.LookPath("sh")
		}
	}
	small := func(pages int) func(*bed, *exec.Cmd) {
		return func(b *bed, _ *exec.Cmd) {
			if err := unix.Mount("none", b.dir, "tmpfs", 0, fmt.Sprintf("size=%d", pages<<12)); err != nil {
				t.Skipf("no file system of that size: %v", err)
			}
			t.Cleanup(func() { _ = unix.Unmount(b.dir, unix.MNT_DETACH) })
		}
	}
	for _, room := range []func(int) func(*bed, *exec.Cmd){limit, small} {
		for pages := range 5 {
			b := w.lay(t, h, nil, room(pages+1))
			b.let()
			b.drain()
			b.feed(w.fed(h))
			b.in.Close()
			status, outcome := b.verdict(nil)
			if status != statusIO {
				t.Errorf("status %d: %s", status, b.process.Said.String())
			}
			y.Count(outcome)
		}
	}
}

// readerGone closes the reading end after some of the output.
func readerGone(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	most := 8 << 10 // what the pipes hold behind that is less than all
	if h.tells {
		most = 0
	}
	for _, n := range places(most, 16) {
		b := w.lay(t, h, nil, nil)
		b.let()
		fed := make(chan bool)
		go func() {
			b.feed(w.fed(h))
			b.in.Close()
			close(fed)
		}()
		got, _ := io.ReadAll(io.LimitReader(b.out, int64(n)))
		b.out.Close()
		if status, outcome := b.verdict(got); status != 0 {
			y.Count(outcome)
		} else {
			t.Error("status 0")
		}
		<-fed
	}
}

// stderrBroken takes standard error away from a command that wants to use it: for its
// statistics, and to say what is wrong with a stream that is cut.
func stderrBroken(y *faults.Tally, w *ward, t *testing.T, h hurt) {
	var flags []string
	lost := 0
	if h.moves() {
		flags, lost = []string{"-v", "--stats", "-"}, statusPipe
	}
	fed := w.fed(h)
	for _, n := range places(len(fed), 7)[1:] {
		r, broken := smallPipe(t)
		r.Close()
		b := w.lay(t, h, flags, func(_ *bed, cmd *exec.Cmd) { cmd.Stderr = broken })
		b.let()
		b.drain()
		b.feed(fed[:n])
		b.in.Close()
		got := <-b.got
		if n < len(fed) {
			_, outcome := b.verdict(got)
			y.Count(outcome)
			continue
		}
		// The stream is whole already, and only what was to be said is lost.
		if status := b.process.End(); status != lost {
			t.Errorf("status %d, and the statistics are lost", status)
		}
		if h.file() {
			got = b.file(0)
		}
		if h.packs {
			got = b.restored(0, got)
		}
		want := w.stream
		if h.tells {
			want = w.report(t, h)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes of %d", len(got), len(want))
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
