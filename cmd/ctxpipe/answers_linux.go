package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// deafPipe gives a pipe whose writer is never told that nobody reads, since what it writes to is
// open for reading too. So even if we are killed, a few short answers can be given.
func deafPipe() (out, in *os.File, err error) {
	out, plain, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", plain.Fd()), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return out, plain, nil // no /proc: an ordinary pipe
	}
	plain.Close()
	return out, os.NewFile(uintptr(fd), "answers"), nil
}
