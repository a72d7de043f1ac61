package xen

import (
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame/libxc"
)

// order is what has come of libxc's records.
type order struct {
	seen [libxc.DomainContext + 1]bool
	rank int  // of the record before
	cpu0 bool // X86_PV_VCPU_BASIC of processor 0, with a body
}

// checkpoint forgets what each checkpoint sends again.
func (o *order) checkpoint() {
	for t := range o.seen {
		if o.rankOf(libxc.Type(t)) >= rankState {
			o.seen[t] = false
		}
	}
	o.rank, o.cpu0 = rankMemory, false
}

// Ranks never fall: first what the domain is built by, then memory, then state.
const (
	rankStatic = iota
	rankStaticEnd
	rankP2M
	rankMemory
	rankState   // DOMAIN_CONTEXT in front of the rest, where there is one
	rankDevices // what may depend on it
	unranked
)

// rankOf gives the rank of a type in a stream of version 4. That of earlier ones
// makes no difference between the last two.
func (*order) rankOf(t libxc.Type) int {
	switch t {
	case libxc.PVInfoType, libxc.CPUIDPolicy, libxc.MSRPolicy:
		return rankStatic
	case libxc.StaticDataEnd:
		return rankStaticEnd
	case libxc.P2MFrames:
		return rankP2M
	case libxc.PageData, libxc.Verify:
		return rankMemory
	case libxc.SharedInfo, libxc.TSCInfoType, libxc.DomainContext:
		return rankState
	case libxc.VCPUBasic, libxc.VCPUExtended, libxc.VCPUXSave, libxc.VCPUMSRs, libxc.HVMContext, libxc.HVMParams:
		return rankDevices
	}
	return unranked
}

// judgeOrder holds a record against those before it.
func (w *Walker) judgeOrder(t libxc.Type) error {
	o := &w.libxc.order
	if err := w.judgeNeeds(t, o); err != nil {
		return err
	}
	if info, _ := libxc.Lookup(t); o.seen[t] && !info.Repeats {
		if err := w.judgeRepeat(t); err != nil {
			return err
		}
	}
	o.seen[t] = true
	if t == libxc.End || t == libxc.Checkpoint {
		return w.judgeEnd(o)
	}
	return w.judgeRank(t, o)
}

// judgeNeeds refuses a record without which another makes no sense, where a
// reader does.
func (w *Walker) judgeNeeds(t libxc.Type, o *order) error {
	needs := func(what libxc.Type) error {
		return w.load(libxc.RuleNeedsInfo, "record before it", what.Name(), "none")
	}
	memory := t == libxc.PageData || t == libxc.P2MFrames
	if memory && w.libxc.image.Version >= 3 && !o.seen[libxc.StaticDataEnd] {
		if err := w.load(libxc.RuleStatic, "record before memory", libxc.StaticDataEnd.Name(), "none"); err != nil {
			return err
		}
	}
	if w.libxc.guest != libxc.PV {
		return nil
	}
	switch t {
	case libxc.P2MFrames, libxc.SharedInfo, libxc.VCPUBasic, libxc.VCPUExtended, libxc.VCPUXSave, libxc.VCPUMSRs:
		if !o.seen[libxc.PVInfoType] {
			return needs(libxc.PVInfoType)
		}
	case libxc.PageData:
		if !o.seen[libxc.P2MFrames] {
			return needs(libxc.P2MFrames)
		}
	}
	return nil
}

func (w *Walker) judgeRepeat(t libxc.Type) error {
	switch t {
	case libxc.StaticDataEnd:
		return w.load(libxc.RuleStatic, "number of these records", 1, "another")
	case libxc.PVInfoType:
		return w.load(libxc.RuleRepeat, "number of these records", 1, "another")
	}
	return w.verify(libxc.RuleRepeat, "number of these records", 1, "another")
}

func (w *Walker) judgeRank(t libxc.Type, o *order) error {
	rank := o.rankOf(t)
	if rank == rankDevices && w.libxc.image.Version < 4 {
		rank = rankState
	}
	if rank == unranked || w.libxc.converted {
		return nil
	}
	if rank < o.rank {
		return w.verify(libxc.RuleOrder, "place of the record", "static data, memory, domain context, devices", "behind what it should precede")
	}
	o.rank = rank
	return nil
}

// judgeEnd says what is missing where END or a checkpoint stands.
func (w *Walker) judgeEnd(o *order) error {
	type need struct {
		what libxc.Type
		if_  bool
	}
	version, pv, hvm := w.libxc.image.Version, w.libxc.guest == libxc.PV, w.libxc.guest == libxc.HVM
	for _, n := range []need{
		{libxc.PVInfoType, pv}, {libxc.P2MFrames, pv}, {libxc.HVMContext, hvm}, {libxc.DomainContext, version >= 4},
	} {
		if n.if_ && !o.seen[n.what] {
			if err := w.load(libxc.RuleIncomplete, "record before it", n.what.Name(), "none"); err != nil {
				return err
			}
		}
	}
	if pv && !o.cpu0 {
		if err := w.load(libxc.RuleIncomplete, "record before it", fmt.Sprintf("%s of processor 0", libxc.VCPUBasic.Name()), "none"); err != nil {
			return err
		}
	}
	for _, n := range []need{
		{libxc.StaticDataEnd, version >= 3}, {libxc.PageData, true}, {libxc.HVMParams, hvm},
		{libxc.TSCInfoType, version < 4 && !w.libxc.converted}, {libxc.SharedInfo, pv && version < 4},
	} {
		if n.if_ && !o.seen[n.what] {
			if err := w.verify(libxc.RuleMissing, "record before it", n.what.Name(), "none"); err != nil {
				return err
			}
		}
	}
	return nil
}
