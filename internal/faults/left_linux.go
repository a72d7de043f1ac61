package faults

import "golang.org/x/sys/unix"

// Adopt lets processes whose parents end become children of this one, so that it can see whether
// they end too.
func Adopt() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// childrenRun waits for children that have ended, and says whether there are others.
func childrenRun() bool {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if err == unix.EINTR || pid > 0 {
			continue
		}
		return err == nil
	}
}
