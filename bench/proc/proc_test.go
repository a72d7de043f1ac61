package proc

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// TestMain lets this program be the one that is measured.
func TestMain(m *testing.M) {
	if how := os.Getenv("PROC_TEST"); how != "" {
		play(how)
		return
	}
	os.Exit(m.Run())
}

var sink []byte

// play is what the measured program does: take memory or time, itself or by a child.
func play(how string) {
	switch how {
	case "memory":
		sink = make([]byte, 256<<20)
		for i := 0; i < len(sink); i += 4096 {
			sink[i] = 1
		}
	case "time":
		spin()
	case "child":
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "PROC_TEST=time")
		if err := cmd.Run(); err != nil {
			os.Exit(1)
		}
	case "fail":
		os.Stderr.WriteString(strings.Repeat("x", 10_000) + "the reason\n")
		os.Exit(3)
	}
}

func spin() {
	n := uint64(1)
	for range 200_000_000 {
		n = n*6364136223846793005 + 1
	}
	sink = append(sink, byte(n))
}

func run(t *testing.T, how string) (Cost, error) {
	t.Helper()
	t.Setenv("PROC_TEST", how)
	return watched(t, os.Args[0])
}

func watched(t *testing.T, command ...string) (Cost, error) {
	t.Helper()
	p, err := Start(t.Context(), command, nil, nil)
	if err != nil {
		return Cost{}, err
	}
	p.Watch()
	return p.Wait()
}

func TestPeakMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it is told on Linux only")
	}
	small, err := run(t, "nothing")
	if err != nil {
		t.Fatal(err)
	}
	large, err := run(t, "memory")
	if err != nil {
		t.Fatal(err)
	}
	if small.Peak > 64<<20 || large.Peak < 256<<20 || large.Peak > 1<<30 {
		t.Errorf("%d bytes for nothing, %d for 256 MiB", small.Peak, large.Peak)
	}
	// A program that is smaller than this one must not look as large.
	sink = make([]byte, 200<<20)
	for i := 0; i < len(sink); i += 4096 {
		sink[i] = 1
	}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("no sleep here")
	}
	c, err := watched(t, sleep, "0.1")
	if err != nil || c.Peak > 64<<20 || c.Peak == 0 {
		t.Errorf("sleep takes %d bytes, %v", c.Peak, err)
	}
	sink = nil
	p, err := Start(t.Context(), Command{sleep, "0.1"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := p.Wait(); err != nil || c.Peak != 0 {
		t.Errorf("a peak of %d bytes where nobody watched, %v", c.Peak, err)
	}
}

// The time of children counts.
func TestProcessorTime(t *testing.T) {
	nothing, err := run(t, "nothing")
	if err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"time", "child"} {
		c, err := run(t, how)
		if err != nil || c.User < nothing.User+0.02 {
			t.Errorf("%s: %+v beside %+v, %v", how, c, nothing, err)
		}
	}
}

func TestFailures(t *testing.T) {
	if _, err := run(t, "fail"); err == nil || !strings.HasSuffix(err.Error(), "xthe reason: exit status 3") || len(err.Error()) > 6000 {
		t.Errorf("%v", err)
	}
	if _, err := watched(t, "/no/such/program"); err == nil {
		t.Error("no error without a program")
	}
}

func TestScratch(t *testing.T) {
	f, err := Scratch()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("kept"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "kept" {
		t.Errorf("%q, %v", b, err)
	}
}
