//go:build (amd64 || arm64 || ppc64le || riscv64) && !race

package zenc

import "unsafe"

// load32 and load64 load little-endian integers from b[i:], which has to have as
// many bytes. That is not checked here: the checks were a sixth of the time
// that a frame takes. load_checked.go does the same with them.

func load32(b []byte, i int) uint32 {
	return *(*uint32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i))
}

func load64(b []byte, i int) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i))
}
