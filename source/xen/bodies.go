package xen

import (
	"encoding/binary"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
)

// maxVCPU is the most processors that Xen gives any domain.
const maxVCPU = 8192

// vcpuSet tells which processors have which of the four X86_PV_VCPU records.
type vcpuSet [4][maxVCPU / 64]uint64

// add adds a processor, and says whether it was there.
func (s *vcpuSet) add(which int, vcpu uint32) (again bool) {
	word, bit := &s[which][vcpu/64], uint64(1)<<(vcpu%64)
	again = *word&bit != 0
	*word |= bit
	return again
}

func (w *Walker) pvInfo(b []byte) error {
	p, err := libxc.ParsePVInfo(b)
	if err != nil {
		return err
	}
	if p.Width == 4 || p.Width == 8 {
		w.libxc.width = p.Width
	}
	if !(p.Width == 4 && p.Levels == 3 || p.Width == 8 && p.Levels == 4) {
		if err := w.load(libxc.RulePVInfo, "width and levels", "4 and 3, or 8 and 4", fmt.Sprintf("%d and %d", p.Width, p.Levels)); err != nil {
			return err
		}
	}
	if !frame.IsZero(p.Reserved[:]) {
		return w.verify(libxc.RuleReserved, "reserved bytes", "zero", "something else")
	}
	return nil
}

func (w *Walker) p2mRange(b []byte) error {
	p, err := libxc.ParseP2MRange(b)
	switch {
	case err != nil:
		return err
	case p.End < p.Start:
		return w.load(libxc.RuleP2M, "last frame number", fmt.Sprintf("at least %d", p.Start), p.End)
	case uint64(p.End) > w.maxPFN:
		return w.bad(libxc.RulePFN, frame.ErrTooLarge, "last frame number", fmt.Sprintf("at most %d", w.maxPFN), p.End)
	}
	w.libxc.maxPFN = uint64(p.End)
	if w.libxc.width == 0 {
		return nil // which was reported
	}
	n := w.rec.Length - libxc.P2MRangeSize
	if want := p.Frames(w.libxc.width); uint64(n) != 8*want {
		return w.load(libxc.RuleP2M, "length for its range", libxc.P2MRangeSize+8*want, w.rec.Length)
	}
	w.then = func(w *Walker) error {
		w.items(8, int64(w.rec.Length)-libxc.P2MRangeSize, (*Walker).p2mFrames, (*Walker).endRecord)
		return nil
	}
	return nil
}

func (w *Walker) p2mFrames(b []byte) error {
	for ; len(b) > 0; b = b[8:] {
		if pfn := binary.LittleEndian.Uint64(b); pfn > w.libxc.maxPFN {
			w.take = nil // one finding is enough
			return w.load(libxc.RuleP2MFrame, "frame number", fmt.Sprintf("at most %d", w.libxc.maxPFN), pfn)
		}
	}
	return nil
}

func (w *Walker) vcpu(b []byte) error {
	v, err := libxc.ParseVCPUHeader(b)
	if err != nil {
		return err
	}
	if v.Reserved != 0 {
		if err := w.verify(libxc.RuleReserved, "reserved field", 0, fmt.Sprintf("%#x", v.Reserved)); err != nil {
			return err
		}
	}
	blob := w.rec.Length - libxc.VCPUHeaderSize
	if err := w.judgeVCPULength(blob); err != nil {
		return err
	}
	if v.VCPU >= maxVCPU {
		return w.load(libxc.RuleVCPU, "processor", fmt.Sprintf("below %d", maxVCPU), v.VCPU)
	}
	if w.rec.Type == libxc.VCPUBasic && v.VCPU == 0 && blob > 0 {
		w.libxc.order.cpu0 = true
	}
	if !w.strict {
		return nil
	}
	if n := w.xl.domain.MaxVCPUs; n > 0 && int(v.VCPU) >= n {
		if err := w.verify(libxc.RuleVCPU, "processor", fmt.Sprintf("below %d, by the configuration", n), v.VCPU); err != nil {
			return err
		}
	}
	if w.libxc.vcpus == nil {
		w.libxc.vcpus = new(vcpuSet)
	}
	if w.libxc.vcpus.add(vcpuRecord(w.rec.Type), v.VCPU) {
		return w.verify(libxc.RuleVCPURepeat, fmt.Sprintf("number of these records for processor %d", v.VCPU), 1, "another")
	}
	return nil
}

// vcpuRecord numbers the four types from 0.
func vcpuRecord(t libxc.Type) int {
	if t == libxc.VCPUMSRs {
		return 3
	}
	return int(t - libxc.VCPUBasic)
}

// judgeVCPULength holds the length of what follows the header against the
// record's type. Nothing at all follows in some streams of Xen 4.6 to 4.8.
func (w *Walker) judgeVCPULength(n uint32) error {
	var want string
	ok := true
	switch w.rec.Type {
	case libxc.VCPUBasic:
		size := uint32(libxc.VCPUBasic64)
		if w.libxc.width == 4 {
			size = libxc.VCPUBasic32
		}
		ok, want = n == size || w.libxc.width == 0, fmt.Sprint(size)
	case libxc.VCPUExtended:
		ok, want = n <= libxc.MaxVCPUExtended, fmt.Sprintf("at most %d", libxc.MaxVCPUExtended)
	case libxc.VCPUXSave:
		ok, want = n >= libxc.MinVCPUXSave, fmt.Sprintf("at least %d", libxc.MinVCPUXSave)
	}
	if ok || n == 0 {
		return nil
	}
	return w.load(libxc.RuleVCPULength, "length of the processor's state", want, n)
}

func (w *Walker) tscInfo(b []byte) error {
	t, err := libxc.ParseTSCInfo(b)
	if err != nil {
		return err
	}
	if t.Mode > 2 {
		if err := w.load(libxc.RuleTSCMode, "mode", "0, 1 or 2", t.Mode); err != nil {
			return err
		}
	}
	if t.Reserved != 0 {
		return w.verify(libxc.RuleReserved, "reserved field", 0, fmt.Sprintf("%#x", t.Reserved))
	}
	return nil
}

func (w *Walker) hvmParams(b []byte) error {
	p, err := libxc.ParseParamsHeader(b)
	if err != nil {
		return err
	}
	if p.Reserved != 0 {
		if err := w.verify(libxc.RuleReserved, "reserved field", 0, fmt.Sprintf("%#x", p.Reserved)); err != nil {
			return err
		}
	}
	if want := libxc.ParamsHeaderSize + libxc.ParamSize*uint64(p.Count); uint64(w.rec.Length) != want {
		return w.load(libxc.RuleParams, "length for its count", want, w.rec.Length)
	}
	return nil
}
