package xen

import (
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
)

// libxlState is what is kept of libxl's layer.
type libxlState struct {
	index      int  // of the next record
	libxc      bool // LIBXC_CONTEXT was seen
	checkpoint bool // between libxc's CHECKPOINT and CHECKPOINT_END
	seen       [8]bool
	strings    xenstore
}

// mostRecord is the largest length that Xen's reader can round up to a
// multiple of 8: it does so in 32 bits.
const mostRecord = 1<<32 - 8

// beginLibxl walks the layer. Until libxc's begins, nothing of it is let out: a
// reader takes the end of file for END here, and would start a domain without
// memory. Without a header it does not.
func (w *Walker) beginLibxl() {
	w.at(libxl.Layer, "header")
	w.safeEnd = w.off
	w.expect(libxl.HeaderSize, (*Walker).libxlHeader)
}

func (w *Walker) libxlHeader(b []byte) error {
	h, err := libxl.ParseHeader(b)
	if err != nil {
		return err
	}
	w.then = (*Walker).nextLibxl
	switch {
	case h.Ident != libxl.Ident:
		return w.bad(libxl.RuleIdent, frame.ErrCorrupt, "ident", fmt.Sprintf("%#x", libxl.Ident), fmt.Sprintf("%#x", h.Ident))
	case h.Version != libxl.Version:
		return w.bad(libxl.RuleVersion, frame.ErrUnsupported, "version", libxl.Version, h.Version)
	case h.Options&libxl.OptionBigEndian != 0:
		return w.bad(libxl.RuleBigEndian, frame.ErrUnsupported, "a big-endian stream", "little-endian", "big-endian")
	case h.Options&^libxl.KnownOptions != 0:
		if err := w.verify(libxl.RuleOptions, "options", "none but bit 1", fmt.Sprintf("%#x", h.Options)); err != nil {
			return err
		}
	}
	if w.visit.Libxl != nil {
		w.visit.Libxl(w.start, h)
	}
	return nil
}

func (w *Walker) nextLibxl() error {
	w.at(libxl.Layer, "record header")
	w.expect(libxl.RecordHeaderSize, (*Walker).libxlRecord)
	return nil
}

// libxlRecord is called with the header of a record.
func (w *Walker) libxlRecord(b []byte) error {
	r, err := libxl.ParseRecordHeader(b)
	if err != nil {
		return err
	}
	w.atRecord(libxl.Layer, w.libxl.index, libxc.RecordHeader{Type: libxc.Type(r.Type), Length: r.Length})
	w.libxl.index++
	if most := min(w.maxRecord, mostRecord); r.Length > most {
		return w.bad(libxl.RuleLimit, frame.ErrTooLarge, "length", fmt.Sprintf("at most %d", most), r.Length)
	}
	if err := w.judgeLibxl(r); err != nil {
		return err
	}
	if w.visit.Record != nil {
		w.visit.Record(w.record())
	}
	if r.Type == libxl.End && w.visit.Point != nil {
		w.visit.Point(LibxlEnd, w.start)
	}
	w.then = (*Walker).libxlBody
	return nil
}

// judgeLibxl holds a record's type and length against its place.
func (w *Walker) judgeLibxl(r libxl.RecordHeader) error {
	if r.Type.Name() == "" {
		e := w.bad(libxl.RuleType, frame.ErrUnknownType, "type", fmt.Sprintf("at most %d", libxl.CheckpointState), fmt.Sprintf("%#x", uint32(r.Type)))
		return w.report(e)
	}
	if w.index == 0 && r.Type != libxl.LibxcContext && r.Type != libxl.End {
		if err := w.verify(libxl.RuleFirst, "first record", libxl.LibxcContext.Name(), r.Type.Name()); err != nil {
			return err
		}
	}
	switch r.Type {
	case libxl.EmulatorContext, libxl.EmulatorXenstoreData:
		return w.judgeEmulator(r)
	case libxl.CheckpointState:
		return w.judgeCheckpoint()
	}
	if r.Length != 0 {
		if err := w.verify(libxl.RuleEmpty, "length", 0, r.Length); err != nil {
			return err
		}
	}
	switch r.Type {
	case libxl.LibxcContext:
		if w.libxl.libxc {
			return w.bad(libxl.RuleOneLibxc, frame.ErrCorrupt, "number of LIBXC_CONTEXT records", 1, "another")
		}
		w.libxl.libxc = true
	case libxl.CheckpointEnd:
		return w.judgeCheckpoint()
	case libxl.End:
		return w.judgeLibxlEnd()
	}
	return nil
}

func (w *Walker) judgeLibxlEnd() error {
	switch {
	case !w.libxl.libxc:
		return w.bad(libxl.RuleOneLibxc, frame.ErrCorrupt, "number of LIBXC_CONTEXT records before END", 1, 0)
	case w.libxl.checkpoint:
		return w.bad(libxl.RuleCheckpoint, frame.ErrCorrupt, "end of a checkpoint", libxl.CheckpointEnd.Name(), "END")
	case w.xl.domain.Type == "hvm" && !w.libxl.seen[libxl.EmulatorContext]:
		return w.verify(libxl.RuleNoEmulator, "EMULATOR_CONTEXT of an HVM domain", 1, 0)
	}
	return nil
}

// judgeCheckpoint refuses a record that belongs to a checkpoint anywhere else.
func (w *Walker) judgeCheckpoint() error {
	if w.libxl.checkpoint {
		return nil
	}
	return w.bad(libxl.RuleCheckpoint, frame.ErrCorrupt, "record of a checkpoint of Remus or COLO", "a plain stream", w.label())
}

// libxlBody walks what follows a record's header.
func (w *Walker) libxlBody() error {
	n := int64(w.rec.Length)
	w.body = true
	switch libxl.Type(w.rec.Type) {
	case libxl.EmulatorContext, libxl.EmulatorXenstoreData:
		if n >= libxl.EmulatorSize {
			w.expect(libxl.EmulatorSize, (*Walker).emulator)
			return nil
		}
	}
	w.skip(n, (*Walker).endRecord)
	return nil
}

// afterLibxl is called behind a record's padding.
func (w *Walker) afterLibxl() error {
	switch libxl.Type(w.rec.Type) {
	case libxl.LibxcContext:
		w.safeEnd = -1
		w.beginLibxc()
		return nil
	case libxl.CheckpointEnd:
		if w.libxl.checkpoint {
			w.libxl.checkpoint, w.libxl.seen = false, [8]bool{}
			return w.nextLibxc()
		}
	case libxl.End:
		w.complete()
		return nil
	}
	return w.nextLibxl()
}
