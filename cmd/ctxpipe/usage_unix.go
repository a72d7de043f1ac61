//go:build unix

package main

import (
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/ctxpipe/ctxpipe/bench/proc"
)

// usageNow gives what the process has used up to now, zeros if the system does
// not tell.
func usageNow() usage { return usage{CPUSeconds: proc.Spent(), PeakMemory: peakMemory()} }

// peakMemory gives the most resident bytes. What rusage has counts what the process was before exec too,
// as large as whoever started it.
func peakMemory() int64 {
	if own := proc.PeakOf("self"); own > 0 {
		return own
	}
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	peak := int64(r.Maxrss)
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
		peak <<= 10 // everybody else counts KiB
	}
	return peak
}
