//go:build unix

package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lossy writes to a descriptor what that takes at once, and drops the rest.
type lossy struct {
	fd  int
	own bool // fd is ours to close
}

// newLossy makes one of a descriptor. The descriptor may be shared with anybody, so it
// is not told not to wait: a terminal or pipe is opened once more instead, where
// that can be done. Elsewhere asking before each write has to do.
func newLossy(fd int) *lossy {
	var st unix.Stat_t
	_ = unix.Fstat(fd, &st) // it was looked at before
	if kind := st.Mode & unix.S_IFMT; kind == unix.S_IFCHR || kind == unix.S_IFIFO {
		flags := unix.O_WRONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
		if again, err := unix.Open(fmt.Sprintf("/dev/fd/%d", fd), flags, 0); err == nil {
			return &lossy{again, true}
		}
	}
	return &lossy{fd, false}
}

// post writes b, of at most 4096 bytes, which a pipe takes as a whole or not at all, or
// drops it if there is no room within that time.
func (l *lossy) post(b []byte, patience time.Duration) {
	if !l.room(patience) {
		return
	}
	for {
		if _, err := unix.Write(l.fd, b); err != unix.EINTR {
			return
		}
	}
}

// room waits for room for that time at most.
func (l *lossy) room(patience time.Duration) bool {
	until := time.Now().Add(patience)
	for {
		p := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(p, int(max(0, time.Until(until)).Milliseconds()))
		if err != unix.EINTR {
			return err == nil && n > 0 && p[0].Revents&unix.POLLOUT != 0
		}
	}
}

// behind says whether it is a terminal that other processes are in front of.
func (l *lossy) behind() bool {
	front, err := unix.IoctlGetInt(l.fd, unix.TIOCGPGRP)
	return err == nil && front != unix.Getpgrp()
}

func (l *lossy) close() {
	if l.own {
		_ = unix.Close(l.fd)
	}
}

// inherit takes over a descriptor that whoever started us has left open for us to
// write to, and keeps it from the commands that we start: one that stays would
// keep a reader waiting for the end. Our own descriptors are no such ones, and are
// known by the mark that keeps them from others.
func inherit(fd int) error {
	mark, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || mark&unix.FD_CLOEXEC != 0 {
		return fmt.Errorf("descriptor %d is not open", fd)
	}
	mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || mode&unix.O_ACCMODE == unix.O_RDONLY {
		return fmt.Errorf("descriptor %d is not open for writing", fd)
	}
	if fd > int(os.Stderr.Fd()) {
		unix.CloseOnExec(fd)
	}
	return nil
}
