package xen

import (
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// libxcState is what is kept of libxc's layer.
type libxcState struct {
	image     libxc.ImageHeader
	guest     libxc.Guest
	converted bool // by the converter of legacy streams, whose order is its own
	index     int  // of the next record
	order     order

	width  uint8  // of a PV guest's words; 0 until X86_PV_INFO
	maxPFN uint64 // of a PV guest
	vcpus  *vcpuSet
}

func (w *Walker) beginLibxc() {
	w.at(libxc.Layer, "image header")
	w.expect(libxc.ImageHeaderSize, (*Walker).imageHeader)
}

func (w *Walker) imageHeader(b []byte) error {
	h, err := libxc.ParseImageHeader(b)
	if err != nil {
		return err
	}
	switch {
	case h.Marker != libxc.Marker || h.ID != libxc.ID:
		return w.bad(libxc.RuleMagic, frame.ErrCorrupt, "marker and id", fmt.Sprintf("%#x %#x", libxc.Marker, libxc.ID), fmt.Sprintf("%#x %#x", h.Marker, h.ID))
	case h.Options&libxc.OptionBigEndian != 0:
		return w.bad(libxc.RuleBigEndian, frame.ErrUnsupported, "a big-endian stream", "little-endian", "big-endian")
	case h.Version < libxc.MinVersion || h.Version > libxc.MaxVersion:
		return w.bad(libxc.RuleVersion, frame.ErrUnsupported, "version", fmt.Sprintf("%d to %d", libxc.MinVersion, libxc.MaxVersion), h.Version)
	case h.Options != 0 || h.Reserved1 != 0 || h.Reserved2 != 0:
		if err := w.verify(libxc.RuleReserved, "options and reserved fields", "0", fmt.Sprintf("%#x, %#x, %#x", h.Options, h.Reserved1, h.Reserved2)); err != nil {
			return err
		}
	}
	w.libxc.image = h
	w.then = func(w *Walker) error {
		w.at(libxc.Layer, "domain header")
		w.expect(libxc.DomainHeaderSize, (*Walker).domainHeader)
		return nil
	}
	return nil
}

func (w *Walker) domainHeader(b []byte) error {
	h, err := libxc.ParseDomainHeader(b)
	if err != nil {
		return err
	}
	switch {
	case h.Guest != libxc.PV && h.Guest != libxc.HVM:
		return w.bad(libxc.RuleGuest, frame.ErrCorrupt, "type of the domain", "1 or 2", uint32(h.Guest))
	case h.PageShift != libxc.PageShift:
		return w.bad(libxc.RulePageShift, frame.ErrCorrupt, "page_shift", libxc.PageShift, h.PageShift)
	case h.Reserved != 0:
		if err := w.verify(libxc.RuleReserved, "reserved field", 0, h.Reserved); err != nil {
			return err
		}
	}
	if want := guestOf(w.xl.domain.Type); want != 0 && want != h.Guest {
		if err := w.verify(xl.RuleConfigType, "type of the domain", fmt.Sprintf("%v, by its configuration", want), h.Guest); err != nil {
			return err
		}
	}
	w.libxc.guest, w.libxc.converted = h.Guest, h.Xen.Major == 0
	if w.visit.Libxc != nil {
		w.visit.Libxc(w.start-libxc.ImageHeaderSize, w.libxc.image, h)
	}
	w.then = (*Walker).nextLibxc
	return nil
}

func (w *Walker) nextLibxc() error {
	w.at(libxc.Layer, "record header")
	w.expect(libxc.RecordHeaderSize, (*Walker).libxcRecord)
	return nil
}

// libxcRecord is called with the header of a record.
func (w *Walker) libxcRecord(b []byte) error {
	r, err := libxc.ParseRecordHeader(b)
	if err != nil {
		return err
	}
	w.atRecord(libxc.Layer, w.libxc.index, r)
	w.libxc.index++
	if r.Length > libxc.MaxRecord {
		return w.bad(libxc.RuleLimit, frame.ErrTooLarge, "length", fmt.Sprintf("at most %d", libxc.MaxRecord), r.Length)
	}
	if err := w.judgeLibxc(r); err != nil {
		return err
	}
	switch r.Type {
	case libxc.End:
		w.noReturn(LibxcEnd)
	case libxc.Checkpoint:
		w.noReturn(Checkpoint)
	}
	if w.visit.Record != nil {
		w.visit.Record(w.record())
	}
	w.then = (*Walker).libxcBody
	return nil
}

// noReturn says that from this record on a domain may be started.
func (w *Walker) noReturn(p Point) {
	if w.safeEnd < 0 {
		w.safeEnd = w.start
	}
	if w.visit.Point != nil {
		w.visit.Point(p, w.start)
	}
}

// judgeLibxc holds a record's type and length against the stream and against
// what came before.
func (w *Walker) judgeLibxc(r libxc.RecordHeader) error {
	info, known := libxc.Lookup(r.Type)
	switch {
	case !known && r.Type&libxc.Optional != 0:
		if !w.strict {
			return nil
		}
		return w.verify(libxc.RuleOptional, "type", "a known one", fmt.Sprintf("%#x, which may be ignored", uint32(r.Type)))
	case !known:
		return w.report(w.bad(libxc.RuleType, frame.ErrUnknownType, "type", "a known one", fmt.Sprintf("%#x", uint32(r.Type))))
	case r.Type == libxc.Checkpoint && !w.checkpoints:
		return w.bad(libxc.RuleCheckpoint, frame.ErrUnsupported, "a checkpoint of Remus or COLO", "a plain stream", "CHECKPOINT")
	}
	if err := w.judgeVersion(r.Type, info); err != nil {
		return err
	}
	if err := w.judgeLength(r, info); err != nil {
		return err
	}
	return w.judgeOrder(r.Type)
}

// judgeVersion refuses a record that this version of the stream, or this kind of
// guest, must not have.
func (w *Walker) judgeVersion(t libxc.Type, info libxc.Info) error {
	version := w.libxc.image.Version
	if info.In(version, w.libxc.guest) {
		return nil
	}
	got := fmt.Sprintf("version %d, %v", version, w.libxc.guest)
	if info.Since == 3 && version < 3 { // the version that Xen does not look at
		return w.verify(libxc.RuleTooNew, "stream with this record", "version 3", got)
	}
	return w.load(libxc.RuleForbidden, "stream with this record", allowed(info), got)
}

// allowed tells in words which streams may have a record.
func allowed(i libxc.Info) string {
	who := "pv"
	switch {
	case !i.PV && !i.HVM:
		return "none"
	case i.PV && i.HVM:
		who = "any guest"
	case i.HVM:
		who = "hvm"
	}
	return fmt.Sprintf("version %d to %d, %s", i.Since, i.Until, who)
}

func (w *Walker) judgeLength(r libxc.RecordHeader, info libxc.Info) error {
	switch {
	case info.Fits(r.Length):
		return nil
	case info.MinLength == 0 && info.Unit == 0:
		return w.verify(libxc.RuleEmpty, "length", 0, r.Length)
	case r.Type == libxc.PVInfoType && r.Length > info.MinLength:
		return w.verify(libxc.RuleLength, "length", info.MinLength, r.Length)
	case info.Unit == 0:
		return w.load(libxc.RuleLength, "length", info.MinLength, r.Length)
	case info.Unit == 1:
		return w.load(libxc.RuleLength, "length", fmt.Sprintf("at least %d", info.MinLength), r.Length)
	}
	return w.load(libxc.RuleLength, "length", fmt.Sprintf("%d and a multiple of %d", info.MinLength, info.Unit), r.Length)
}

// libxcBody walks what follows a record's header. A body that is too short for
// what it should hold was reported, and is passed over.
func (w *Walker) libxcBody() error {
	w.body = true
	n := int64(w.rec.Length)
	head, take := 0, (func(*Walker, []byte) error)(nil)
	switch w.rec.Type {
	case libxc.PageData:
		head, take = libxc.PageDataHeaderSize, (*Walker).pageDataHeader
		w.pages.inside = true
	case libxc.PVInfoType:
		head, take = libxc.PVInfoSize, (*Walker).pvInfo
	case libxc.P2MFrames:
		head, take = libxc.P2MRangeSize, (*Walker).p2mRange
	case libxc.VCPUBasic, libxc.VCPUExtended, libxc.VCPUXSave, libxc.VCPUMSRs:
		head, take = libxc.VCPUHeaderSize, (*Walker).vcpu
	case libxc.TSCInfoType:
		head, take = libxc.TSCInfoSize, (*Walker).tscInfo
	case libxc.HVMParams:
		head, take = libxc.ParamsHeaderSize, (*Walker).hvmParams
	case libxc.HVMContext:
		return w.beginContext(HVMContext, n, (*Walker).endRecord)
	case libxc.DomainContext:
		return w.beginContext(DomainContext, n, (*Walker).endRecord)
	}
	if take == nil || n < int64(head) {
		return w.restOfBody()
	}
	w.expect(head, take)
	w.then = (*Walker).restOfBody
	return nil
}

// restOfBody passes over what is left of the current record's body.
func (w *Walker) restOfBody() error {
	w.skip(w.bodyAt+int64(w.rec.Length)-w.off, (*Walker).endRecord)
	return nil
}

// endRecord is called behind a record's body, of either layer.
func (w *Walker) endRecord() error {
	w.body, w.pages.inside = false, false
	var take func(*Walker, []byte) error
	if w.strict {
		take = (*Walker).padding
	}
	w.bytes(int64(frame.Padding(uint64(w.rec.Length))), take, (*Walker).afterRecord)
	return nil
}

func (w *Walker) padding(b []byte) error {
	if frame.IsZero(b) {
		return nil
	}
	rule := libxc.RulePadding
	if w.layer == libxl.Layer {
		rule = libxl.RulePadding
	}
	w.take = nil // one finding is enough
	return w.verify(rule, "padding", "zero", "something else")
}

func (w *Walker) afterRecord() error {
	if w.visit.RecordEnd != nil {
		w.visit.RecordEnd(w.record())
	}
	if w.layer == libxl.Layer {
		return w.afterLibxl()
	}
	switch w.rec.Type {
	case libxc.End:
		return w.afterLibxc()
	case libxc.Checkpoint:
		return w.afterCheckpoint()
	}
	return w.nextLibxc()
}

// afterLibxc hands the stream back to the layer around it.
func (w *Walker) afterLibxc() error {
	if w.kind == Libxc {
		w.complete()
		return nil
	}
	return w.nextLibxl()
}

// afterCheckpoint lets the next round begin: state is sent again, what is
// static is not.
func (w *Walker) afterCheckpoint() error {
	w.libxc.order.checkpoint()
	if w.libxc.vcpus != nil {
		*w.libxc.vcpus = vcpuSet{}
	}
	if w.kind == Libxc {
		return w.nextLibxc()
	}
	w.libxl.checkpoint = true
	return w.nextLibxl()
}
