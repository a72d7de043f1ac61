package libxc

import "encoding/binary"

// Where the fields of [PVCPU] stand in the blob of X86_PV_VCPU_BASIC of a guest
// whose words have eight bytes, [VCPUBasic64] of them. It is the context that Xen's
// public interface gives a 64-bit guest: 512 bytes of FPU, flags, 25 registers of
// eight bytes each, traps, descriptor tables, control registers.
const (
	vcpuRIP    = 648
	vcpuCS     = 656
	vcpuRFLAGS = 664
	vcpuRSP    = 672
	vcpuCR0    = 4984
	vcpuCR3    = vcpuCR0 + 3*8
	vcpuCR4    = vcpuCR0 + 4*8
)

// PVCPU is what tells where a processor of a 64-bit PV guest stands.
type PVCPU struct {
	RIP, RSP, RFLAGS uint64
	CS               uint16
	// CR3 is that of a guest's frame number, as the stream has it.
	CR0, CR3, CR4 uint64
}

// DecodePVCPU takes the blob apart. It gives false if that has another size, as
// it has of 32-bit guests and where it is empty.
func DecodePVCPU(blob []byte) (PVCPU, bool) {
	if len(blob) != VCPUBasic64 {
		return PVCPU{}, false
	}
	u64 := func(at int) uint64 { return binary.LittleEndian.Uint64(blob[at:]) }
	return PVCPU{
		RIP: u64(vcpuRIP), RSP: u64(vcpuRSP), RFLAGS: u64(vcpuRFLAGS), CS: uint16(u64(vcpuCS)),
		CR0: u64(vcpuCR0), CR3: u64(vcpuCR3), CR4: u64(vcpuCR4),
	}, true
}
