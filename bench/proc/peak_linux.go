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

// watch looks at a running program. A nil one looks at nothing.
type watch struct {
	floor int64 // this program's own peak
	most  int64 // what was seen, when ended is closed
	done  chan struct{}
	ended chan struct{}
}

func watchPeak(pid int) *watch {
	w := &watch{floor: PeakOf("self"), done: make(chan struct{}), ended: make(chan struct{})}
	go w.look(strconv.Itoa(pid))
	return w
}

func (w *watch) look(pid string) {
	defer close(w.ended)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		w.most = max(w.most, PeakOf(pid))
		select {
		case <-tick.C:
		case <-w.done:
			return
		}
	}
}

func (w *watch) stop() {
	if w != nil {
		close(w.done)
		<-w.ended
	}
}

// peak gives what was seen, or what rusage says, if that is not this program's own.
func (w *watch) peak(s *os.ProcessState) int64 {
	if w == nil {
		return 0
	}
	if r, ok := s.SysUsage().(*syscall.Rusage); ok {
		if most := int64(r.Maxrss) << 10; most > w.floor {
			return most
		}
	}
	return w.most
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
