package xen

import (
	"bytes"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
)

// judgeEmulator holds the header of a device model's record against its place.
func (w *Walker) judgeEmulator(r libxl.RecordHeader) error {
	if r.Length < libxl.EmulatorSize {
		if err := w.load(libxl.RuleEmulator, "length", fmt.Sprintf("at least %d", libxl.EmulatorSize), r.Length); err != nil {
			return err
		}
	}
	if w.libxc.guest == libxc.PV || w.xl.domain.Type == "pvh" {
		if err := w.load(libxl.RuleNotHVM, "device model", "none: the domain is not HVM", w.label()); err != nil {
			return err
		}
	}
	seen := &w.libxl.seen
	again := seen[r.Type] || r.Type == libxl.EmulatorXenstoreData && seen[libxl.EmulatorContext]
	seen[r.Type] = true
	if again {
		return w.verify(libxl.RuleRepeat, "records of the device model", "EMULATOR_XENSTORE_DATA, then EMULATOR_CONTEXT, once each", "another "+w.label())
	}
	return nil
}

// emulator is called with the start of the body of a device model's record.
func (w *Walker) emulator(b []byte) error {
	e, err := libxl.ParseEmulator(b)
	if err != nil {
		return err
	}
	if e.ID > libxl.EmulatorQEMU {
		if err := w.verify(libxl.RuleEmulatorID, "emulator", fmt.Sprintf("at most %d", libxl.EmulatorQEMU), e.ID); err != nil {
			return err
		}
	}
	w.then = func(w *Walker) error {
		n := int64(w.rec.Length) - libxl.EmulatorSize
		if libxl.Type(w.rec.Type) == libxl.EmulatorXenstoreData {
			w.libxl.strings = xenstore{}
			w.bytes(n, (*Walker).xenstoreData, (*Walker).xenstoreEnd)
		} else {
			w.skip(n, (*Walker).endRecord)
		}
		return nil
	}
	return nil
}

// xenstore is how far a list of key, value, key, value … has come, each closed
// by a NUL.
type xenstore struct {
	value bool // in a value, not in a key
	begun bool // its first byte was seen
	bad   bool // already reported
}

// xenstoreData judges a piece of the list.
func (w *Walker) xenstoreData(b []byte) error {
	s := &w.libxl.strings
	for len(b) > 0 && !s.bad {
		if !s.value && !s.begun && (b[0] == 0 || b[0] == '/') {
			s.bad = true
			return w.load(libxl.RuleXenstore, "key", "a relative path", "nothing, or an absolute one")
		}
		n := bytes.IndexByte(b, 0)
		if n < 0 {
			s.begun = true
			return nil
		}
		b = b[n+1:]
		s.value, s.begun = !s.value, false
	}
	return nil
}

func (w *Walker) xenstoreEnd() error {
	if s := &w.libxl.strings; !s.bad && (s.value || s.begun) {
		if err := w.load(libxl.RuleXenstore, "keys and values", "pairs of strings that end in NUL", "a part of one"); err != nil {
			return err
		}
	}
	return w.endRecord()
}
