package pipe

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/faults"
)

// After all tests, nothing of a filter is left: neither a goroutine nor a buffer,
// whoever made it, nor an open file.
func TestMain(m *testing.M) {
	before := faults.Descriptors()
	status := m.Run()
	if left := leftBehind(bufpool.Out); left != "" {
		fmt.Fprintln(os.Stderr, "after all tests:", left)
		status = max(status, 1)
	}
	if left := faults.LeftOpen(before); len(left) > 0 {
		fmt.Fprintln(os.Stderr, "after all tests there is still open:", left)
		status = max(status, 1)
	}
	os.Exit(status)
}

// balances demands that a filter has nothing left when the test ends. Filters of
// tests that run at the same time must not be among those that it sees.
func balances(t testing.TB, loans func() int64) {
	t.Cleanup(func() {
		if left := leftBehind(loans); left != "" {
			t.Error("at the end of the test:", left)
		}
	})
}

// leftBehind says what is left of filters, once what is ending had the time to.
func leftBehind(loans func() int64) (left string) {
	for wait := time.Microsecond; wait < time.Second; wait *= 2 {
		running := filtersRunning()
		if left = ""; len(running) > 0 || loans() != 0 {
			left = fmt.Sprintf("%d buffers out, %d goroutines\n%s", loans(), len(running), strings.Join(running, "\n"))
		}
		if left == "" {
			break
		}
		time.Sleep(wait)
	}
	return left
}

// filtersRunning gives the stacks of the goroutines that belong to a filter.
func filtersRunning() (stacks []string) {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	for _, stack := range strings.Split(string(all), "\n\n") {
		for _, owner := range []string{"/pipe.(*line).", "/pipe.(*intake).", "/pipe.(*scanner).", "/pipe.startIntake.", "/pipe.(*pauses)."} {
			if strings.Contains(stack, owner) {
				stacks = append(stacks, stack)
				break
			}
		}
	}
	return stacks
}

// The balance of the tests sees what it is there to see.
func TestBalanceSeesWhatIsLeft(t *testing.T) {
	var dest blocked
	dest.let = make(chan struct{})
	c := newTestCompressor(t, &dest)
	c.Write(make([]byte, testChunk))
	for dest.writes.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if left := leftBehind(c.line.pool.Loans); !strings.Contains(left, "/pipe.(*line).write") || bufpool.Out() == 0 {
		t.Errorf("a Compressor that runs: %q, %d buffers", left, bufpool.Out())
	}
	close(dest.let)
	c.Abort()
	if left := leftBehind(bufpool.Out); left != "" {
		t.Errorf("one that was given up: %s", left)
	}
	r, w := io.Pipe()
	rs := newTestRestorer(t, r)
	go rs.Read(make([]byte, 1))
	for len(filtersRunning()) < 1+rs.cfg.workers {
		time.Sleep(time.Millisecond)
	}
	w.Close()
}
