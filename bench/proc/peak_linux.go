package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// The kernel counts what a process was before exec to its peak in rusage, which
// is as much memory as this program had then. So small programs would all look
// as large as this one. /proc has the peak of the new program alone, but only while
// it runs: it is looked at now and then, and rusage is taken where that is beyond
// doubt.

// every is how often the peak of a running program is looked at.
const every = 5 * time.Millisecond

// watch looks at a running program.
type watch struct {
	floor int64 // this program's own peak
	done  chan struct{}
	ended chan int64
}

// peak is what was seen.
type peak struct{ floor, seen int64 }

func watchPeak(pid int) *watch {
	w := &watch{floor: PeakOf("self"), done: make(chan struct{}), ended: make(chan int64)}
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		var most int64
		for {
			most = max(most, PeakOf(strconv.Itoa(pid)))
			select {
			case <-tick.C:
			case <-w.done:
				w.ended <- most
				return
			}
		}
	}()
	return w
}

func (w *watch) stop() peak {
	close(w.done)
	return peak{w.floor, <-w.ended}
}

// orRusage gives what rusage says, if that is not this program's own.
func (p peak) orRusage(s *os.ProcessState) int64 {
	if r, ok := s.SysUsage().(*syscall.Rusage); ok {
		if most := int64(r.Maxrss) << 10; most > p.floor {
			return most
		}
	}
	return p.seen
}

// PeakOf gives the most resident bytes of a process that runs, "self" for this one,
// and 0 if that cannot be told.
func PeakOf(pid string) int64 {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0
	}
	_, rest, found := bytes.Cut(status, []byte("\nVmHWM:"))
	var kib int64
	if _, err := fmt.Sscan(string(rest), &kib); !found || err != nil {
		return 0
	}
	return kib << 10
}
