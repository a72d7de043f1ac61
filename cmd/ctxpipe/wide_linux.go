package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// wide is what pipes are made to hold. It is as much as anybody may ask for by default.
const wide = 1 << 20

// usual is what they hold if nobody asks for anything.
var usual = 16 * os.Getpagesize()

// widen lets a pipe hold more, so that those at its ends take turns less often. It is only
// tried: a user may have too many wide pipes already, and not everything is a pipe. One that
// somebody has made wider or narrower stays as it is.
func widen(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		if has, err := unix.FcntlInt(fd, unix.F_GETPIPE_SZ, 0); err == nil && has == usual {
			_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, wide)
		}
	})
}
