package pipe

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime gives the processor time that the calling thread has had, 0 if the
// system does not tell. The caller has to be locked to its thread.
func threadTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
