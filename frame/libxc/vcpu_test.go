package libxc

import (
	"encoding/binary"
	"testing"
)

// Each field comes from its own place, and only from a whole blob.
func TestDecodePVCPU(t *testing.T) {
	blob := make([]byte, VCPUBasic64)
	for at := 0; at < len(blob); at += 8 {
		binary.LittleEndian.PutUint64(blob[at:], uint64(at))
	}
	got, ok := DecodePVCPU(blob)
	if want := (PVCPU{RIP: 648, CS: 656, RFLAGS: 664, RSP: 672, CR0: 4984, CR3: 5008, CR4: 5016}); !ok || got != want {
		t.Errorf("%+v, %v; want %+v", got, ok, want)
	}
	for _, n := range []int{0, VCPUBasic32, VCPUBasic64 - 1} {
		if _, ok := DecodePVCPU(blob[:n]); ok {
			t.Errorf("%d bytes were taken for a processor", n)
		}
	}
}
