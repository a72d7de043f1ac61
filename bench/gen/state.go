package gen

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// The sizes of state whose contents nobody looks at.
const (
	vcpus        = 2
	policyBytes  = 24 * 40
	msrBytes     = 16
	xsaveBytes   = 832
	registerSize = 8
)

// appendStart appends all that stands in front of the frames of the p2m.
func (g Guest) appendStart(dst []byte) []byte {
	dst = xl.AppendConfig(dst, fmt.Sprintf(`{"c_info":{"name":"made-up","type":"pv"},"b_info":{"max_vcpus":%d,"max_memkb":%d,"target_memkb":%[2]d}}`,
		vcpus, g.Memory>>10))
	dst = libxl.NewHeader().Append(dst)
	dst = libxl.AppendRecord(dst, libxl.LibxcContext, nil)
	dst = libxc.NewImageHeader(3).Append(dst)
	dst = libxc.DomainHeader{Guest: libxc.PV, PageShift: libxc.PageShift, Xen: frame.XenVersion{Major: 4, Minor: 17}}.Append(dst)
	dst = libxc.AppendRecord(dst, libxc.PVInfoType, libxc.PVInfo{Width: 8, Levels: 4}.Append(nil))
	dst = libxc.AppendRecord(dst, libxc.CPUIDPolicy, g.state(0, policyBytes))
	dst = libxc.AppendRecord(dst, libxc.MSRPolicy, g.state(1, msrBytes))
	return libxc.AppendRecord(dst, libxc.StaticDataEnd, nil)
}

// writeFrames writes where the guest's table of frames lies. It is as long as the
// memory is large, so it goes out piece by piece.
func (g Guest) writeFrames(w *bufio.Writer) {
	r := libxc.P2MRange{End: uint32(g.pages() - 1)}
	n := r.Frames(8)
	head := libxc.RecordHeader{Type: libxc.P2MFrames, Length: uint32(libxc.P2MRangeSize + 8*n)}.Append(nil)
	w.Write(r.Append(head))
	for i := range n {
		w.Write(binary.LittleEndian.AppendUint64(w.AvailableBuffer(), i))
	}
}

// appendEnd appends all that stands behind the memory.
func (g Guest) appendEnd(dst []byte) []byte {
	dst = libxc.AppendRecord(dst, libxc.TSCInfoType, libxc.TSCInfo{KHz: 2_400_000, Nanoseconds: 1e12, Incarnation: 1}.Append(nil))
	dst = libxc.AppendRecord(dst, libxc.SharedInfo, g.state(2, libxc.PageSize))
	for v := range uint32(vcpus) {
		for _, r := range []struct {
			t libxc.Type
			n int
		}{{libxc.VCPUBasic, libxc.VCPUBasic64}, {libxc.VCPUExtended, libxc.MaxVCPUExtended}, {libxc.VCPUXSave, xsaveBytes}} {
			dst = libxc.AppendRecord(dst, r.t, append(libxc.VCPUHeader{VCPU: v}.Append(nil), g.state(uint64(r.t)<<8|uint64(v), r.n)...))
		}
	}
	dst = libxc.AppendRecord(dst, libxc.End, nil)
	return libxl.AppendRecord(dst, libxl.End, nil)
}

// state makes up n bytes of state: registers of which most are zero.
func (g Guest) state(what uint64, n int) []byte {
	r := rand.New(rand.NewPCG(g.Seed, 1<<62|what))
	b := make([]byte, n)
	for i := 0; i+registerSize <= n; i += registerSize {
		if r.IntN(4) == 0 {
			binary.LittleEndian.PutUint64(b[i:], r.Uint64())
		}
	}
	return b
}
