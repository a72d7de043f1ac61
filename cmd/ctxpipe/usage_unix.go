//go:build unix

package main

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// usageNow gives what the process has used up to now, zeros if the system does
// not tell.
func usageNow() usage {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return usage{}
	}
	peak := int64(r.Maxrss)
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
		peak <<= 10 // everybody else counts KiB
	}
	seconds := func(t unix.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return usage{CPUSeconds: seconds(r.Utime) + seconds(r.Stime), PeakMemory: peak}
}
