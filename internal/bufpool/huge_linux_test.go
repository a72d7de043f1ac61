package bufpool

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"
)

// The pages that a large buffer lies in may be huge, the first and the last too, which it
// shares with others.
func TestAdvisesHugePages(t *testing.T) {
	for _, size := range []int{leastAdvised, hugePage, 3*hugePage + 1} {
		t.Run(fmt.Sprint(size), func(t *testing.T) { advisesHugePages(t, size) })
	}
}

func advisesHugePages(t *testing.T, size int) {
	p := New(0, 1<<30)
	large := p.GetSize(size).B
	large = large[:cap(large)]
	first := address(&large[0]) &^ (hugePage - 1)
	last := address(&large[len(large)-1]) | (hugePage - 1)
	for at := first; at < last; at += hugePage / 4 {
		if !mayBeHuge(t, at) {
			t.Errorf("%#x is not where pages may be huge", at)
		}
	}
	if !mayBeHuge(t, last) {
		t.Errorf("%#x is not where pages may be huge", last)
	}
}

func address(b *byte) uint64 { return uint64(uintptr(unsafe.Pointer(b))) }

// mayBeHuge says whether the kernel was advised to take huge pages at an address.
func mayBeHuge(t *testing.T, at uint64) bool {
	t.Helper()
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("the kernel has no huge pages")
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	here := false
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uint64
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			here = from <= at && at < to
		}
		if flags, yes := strings.CutPrefix(lines.Text(), "VmFlags:"); yes && here {
			return strings.Contains(flags+" ", " hg ")
		}
	}
	t.Fatal("its map is not told")
	return false
}
