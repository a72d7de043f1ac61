package bufpool

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the usual size of a huge page, and leastAdvised the least buffer that is worth asking for
// one: buffers for frames are that small, and lie side by side.
const (
	hugePage     = 2 << 20
	leastAdvised = hugePage / 8
)

// adviseHuge asks for huge pages where a large buffer lies. That saves most page
// faults, which are a tenth of what a short run takes, and misses when matches are
// looked up all over a chunk. It is advice: a system without huge pages refuses, and
// nothing is lost.
//
// Go's heap does not align buffers to huge pages, so the advice is for the pages that
// hold the beginning and the end too, whatever else is in them: a page that was once
// touched in part stays small.
func adviseHuge(b []byte) {
	if cap(b) < leastAdvised {
		return
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	end := (start + uintptr(cap(b)) + hugePage - 1) &^ (hugePage - 1)
	start &^= hugePage - 1
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, start, end-start, unix.MADV_HUGEPAGE)
}
