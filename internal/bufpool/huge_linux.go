package bufpool

import "golang.org/x/sys/unix"

// adviseHuge asks for huge pages in a large buffer. That saves most page faults,
// which are a tenth of what a short run takes, and misses when matches are looked
// up all over a chunk. It is advice: a system without huge pages refuses, and
// nothing is lost.
func adviseHuge(b []byte) {
	if cap(b) >= hugePage {
		_ = unix.Madvise(b[:cap(b)], unix.MADV_HUGEPAGE)
	}
}
