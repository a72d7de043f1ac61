//go:build !race

package vecio

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// iovecs calls writev. It keeps what lists the slices for the kernel, for which unix.Writev makes
// room anew with each call for more than eight. The race detector sees what that
// reads, so where it is on, writev_checked_linux.go calls that.
type iovecs []unix.Iovec

func (v *iovecs) write(fd uintptr, bufs [][]byte) (int, error) {
	list := (*v)[:0]
	for _, b := range bufs {
		at := unix.Iovec{Base: unsafe.SliceData(b)}
		at.SetLen(len(b))
		list = append(list, at)
	}
	n, _, errno := unix.Syscall(unix.SYS_WRITEV, fd, uintptr(unsafe.Pointer(unsafe.SliceData(list))), uintptr(len(list)))
	clear(list) // the bytes are not kept
	*v = list
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
