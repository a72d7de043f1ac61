package faults

import (
	"os"
	"slices"
	"strings"
	"time"
)

// Descriptors gives what this process has open, where the system tells: "7 /dev/null". What Go's
// runtime opens once and keeps is not among it.
func Descriptors() (open []string) {
	const dir = "/proc/self/fd/"
	all, _ := os.ReadDir(dir)
	for _, d := range all {
		to, err := os.Readlink(dir + d.Name())
		if err != nil || to == "anon_inode:[eventpoll]" || to == "anon_inode:[eventfd]" {
			continue // or it was the folder
		}
		open = append(open, d.Name()+" "+to)
	}
	return open
}

// LeftOpen gives what is open now and was not before, once what is ending had the time to.
func LeftOpen(before []string) (left []string) {
	settle(func() bool {
		left = slices.DeleteFunc(Descriptors(), func(d string) bool { return slices.Contains(before, d) })
		return len(left) == 0
	})
	return left
}

// LeftRunning gives the processes that this one has started, or that were started on its
// behalf, and that run still, once they had the time to end. Those of others are among them only
// after [Adopt].
func LeftRunning() (left []string) {
	settle(func() bool { return !childrenRun() })
	lists, _ := os.ReadDir("/proc/self/task")
	for _, l := range lists {
		pids, _ := os.ReadFile("/proc/self/task/" + l.Name() + "/children")
		for _, pid := range strings.Fields(string(pids)) {
			args, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			left = append(left, pid+" "+strings.ReplaceAll(string(args), "\x00", " "))
		}
	}
	return left
}

// settle waits until that is so, for some seconds at the most.
func settle(so func() bool) {
	for wait := time.Microsecond; !so() && wait < 4*time.Second; wait *= 2 {
		time.Sleep(wait)
	}
}
