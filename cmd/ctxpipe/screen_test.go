//go:build linux

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/ctxpipe/ctxpipe/internal/vectest"
)

// onTerminal starts the command with a terminal of so many columns as standard error.
func onTerminal(t *testing.T, columns uint16, args ...string) (master, slave *os.File, in io.WriteCloser, cmd *exec.Cmd) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close(); slave.Close() })
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command("ctxpipe", args...)
	cmd.Env = append(os.Environ(), "TERM=xterm")
	cmd.Stderr = slave
	if in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	return master, slave, in, cmd
}

// seen reads what a terminal shows, up to where wanted has come; all of it up to the
// end if nothing is wanted.
func seen(t *testing.T, master *os.File, wanted string) string {
	t.Helper()
	var all []byte
	b := make([]byte, 1000)
	for {
		n, err := master.Read(b)
		all = append(all, b[:n]...)
		switch {
		case wanted != "" && strings.Contains(string(all), wanted):
			return string(all)
		case errors.Is(err, unix.EIO) || err == io.EOF: // nobody has the terminal open any more
			if wanted != "" {
				t.Fatalf("%q has not come: %q", wanted, all)
			}
			return string(all)
		case err != nil:
			t.Fatal(err)
		}
	}
}

// left gives the lines that are left on a terminal after all that was written to it.
func left(written string) []string {
	var done []string
	line, column := []byte{}, 0
	for written = strings.ReplaceAll(written, "\x1b[K", "\x00"); written != ""; written = written[1:] {
		switch c := written[0]; c {
		case '\r':
			column = 0
		case '\n':
			done, line = append(done, string(line)), nil
		case 0:
			line = line[:column]
		default:
			line = append(line[:column], append([]byte{c}, line[min(column+1, len(line)):]...)...)
			column++
		}
	}
	return append(done, string(line))
}

// A person sees one line while the job goes on, within the terminal's width, and after it
// nothing but what was said.
func TestProgressOnATerminal(t *testing.T) {
	stream := vectest.RealStream(t)
	for name, c := range map[string]struct {
		columns uint16
		args    []string
		fed     []byte // after the line was seen
		want    string // on the line
		left    []string
	}{
		"good":    {200, nil, stream[300_000:], "compress: 256.0 KiB of about 64.0 MiB, 0 %, ", []string{""}},
		"narrow":  {20, nil, stream[300_000:], "\rcompress: 256.0 KiB\x1b[K\r", []string{""}},
		"cut":     {200, nil, nil, "level fastest", []string{"ctxpipe: error: ", ""}},
		"verbose": {200, []string{"-v"}, stream[300_000:], "level fastest", []string{"ctxpipe: note: compress: 541.8 KiB plain", ""}},
		"stats":   {200, []string{"--stats", "-"}, stream[300_000:], "level fastest", []string{`{"bytes_in":554845`, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"compress", "--chunk", "64K", "--level", "fastest"}, c.args...)
			master, slave, in, cmd := onTerminal(t, c.columns, args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			slave.Close()
			if _, err := in.Write(stream[:300_000]); err != nil {
				t.Fatal(err)
			}
			all := seen(t, master, c.want)
			if _, err := in.Write(c.fed); err != nil {
				t.Fatal(err)
			}
			in.Close()
			all += seen(t, master, "")
			_ = cmd.Wait() // the screen tells
			got := left(all)
			if len(got) != len(c.left) {
				t.Fatalf("left: %q", got)
			}
			for i, want := range c.left {
				if !strings.HasPrefix(got[i], want) || want == "" && got[i] != "" {
					t.Errorf("left: %q, want %q", got, c.left)
				}
			}
		})
	}
}

// Whoever interrupts it gets a clean line too.
func TestInterruptedProgressLeavesNothing(t *testing.T) {
	master, slave, in, cmd := onTerminal(t, 80, "compress", "--chunk", "64K", "-1")
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	if _, err := in.Write(vectest.RealStream(t)[:300_000]); err != nil {
		t.Fatal(err)
	}
	all := seen(t, master, "compress: ")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	all += seen(t, master, "")
	_ = cmd.Wait()
	if got := left(all); len(got) != 1 || got[0] != "" {
		t.Errorf("left: %q", got)
	}
}

// Nobody sees a line who wants none, or where the output goes to the same terminal.
func TestNoProgressOnATerminal(t *testing.T) {
	stream := vectest.RealStream(t)
	for name, args := range map[string][]string{"quiet": {"-q"}, "program": {"--progress-fd", "3"}, "output": {"-f"}} {
		t.Run(name, func(t *testing.T) {
			master, slave, in, cmd := onTerminal(t, 80, append([]string{"compress", "--chunk", "64K", "-1"}, args...)...)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close() // nobody reads the lines
			cmd.ExtraFiles = []*os.File{w}
			if name == "output" {
				cmd.Stdout = slave
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			slave.Close()
			w.Close()
			if _, err := in.Write(stream[:300_000]); err != nil {
				t.Fatal(err)
			}
			due(t)
			if _, err := in.Write(stream[300_000:]); err != nil {
				t.Fatal(err)
			}
			in.Close()
			all := seen(t, master, "")
			if err := cmd.Wait(); err != nil || strings.Contains(all, "compress: ") || name != "output" && all != "" {
				t.Errorf("%v: %q", err, all)
			}
		})
	}
}

// A terminal that was stopped, and a pipe that is full and that nobody reads, hold
// nothing up, nor does the end wait for them.
func TestProgressHoldsNothingUp(t *testing.T) {
	stream := vectest.RealStream(t)
	for _, name := range []string{"terminal", "pipe"} {
		t.Run(name, func(t *testing.T) {
			args := []string{"compress", "--chunk", "64K", "-1"}
			if name == "pipe" {
				args = append(args, "--progress-fd", "3")
			}
			_, slave, in, cmd := onTerminal(t, 80, args...)
			var sealed bytes.Buffer
			cmd.Stdout = &sealed
			r, full := fullPipe(t)
			defer r.Close()
			defer full.Close()
			cmd.ExtraFiles = []*os.File{full}
			const tcooff = 0 // to TCXONC: as Ctrl-S does
			if err := unix.IoctlSetInt(int(slave.Fd()), unix.TCXONC, tcooff); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := in.Write(stream[:300_000]); err != nil {
				t.Fatal(err)
			}
			due(t)
			if _, err := in.Write(stream[300_000:]); err != nil {
				t.Fatal(err)
			}
			in.Close()
			if err := cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			back := exec.Command("ctxpipe", "restore")
			back.Stdin = &sealed
			if got, err := back.Output(); err != nil || !bytes.Equal(got, stream) {
				t.Errorf("restored %d bytes: %v", len(got), err)
			}
		})
	}
}

// fullPipe gives a pipe that takes no byte more.
func fullPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := unix.Write(p[1], make([]byte, 4096)); err == unix.EAGAIN {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, fd := range p {
		if err := unix.SetNonblock(fd, false); err != nil {
			t.Fatal(err)
		}
	}
	return os.NewFile(uintptr(p[0]), "pipe"), os.NewFile(uintptr(p[1]), "pipe")
}

// due returns when another job, which started later, has told of its progress. Where
// nothing can be shown there is no event to wait for.
func due(t *testing.T) {
	t.Helper()
	cmd := exec.Command("ctxpipe", "compress", "--progress-fd", "2")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	in.Close()
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // the stream is empty, which is well
}

// What is said takes the line away, also where it is shorter than that.
func TestWordsTakeProgressAway(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	defer master.Close()
	stderr := os.Stderr
	os.Stderr = slave
	defer func() { os.Stderr = stderr }()
	var s sharedScreen
	if !s.open() {
		t.Fatal("no terminal")
	}
	s.draw("a line that is longer than what is said")
	if _, err := s.Write([]byte("ctxpipe: note: so\n")); err != nil {
		t.Fatal(err)
	}
	s.draw("again")
	s.close()
	s.draw("too late")
	slave.Close()
	if got := left(seen(t, master, "")); len(got) != 2 || got[0] != "ctxpipe: note: so" || got[1] != "" {
		t.Errorf("left: %q", got)
	}
}
