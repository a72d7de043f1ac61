package xen

import (
	"encoding/binary"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// xlState is what is kept of xl's layer.
type xlState struct {
	extra  uint32 // bytes of the optional data behind the configuration
	length uint32 // of the configuration
	text   []byte // it, while it is gathered
	domain Domain
}

func (w *Walker) beginXL() {
	w.at(xl.Layer, "header")
	w.expect(xl.HeaderSize, (*Walker).xlHeader)
}

func (w *Walker) xlHeader(b []byte) error {
	h, err := xl.ParseHeader(b)
	if err != nil {
		return err
	}
	w.xl.length = h.DataLength
	w.then = (*Walker).optionalData
	if err := w.judgeXL(h); err != nil {
		return err
	}
	if w.visit.XL != nil {
		w.visit.XL(h)
	}
	return nil
}

func (w *Walker) judgeXL(h xl.Header) error {
	switch {
	case h.ByteOrder == xl.SwappedByteOrder:
		return w.bad(xl.RuleByteOrder, frame.ErrUnsupported, "a big-endian stream", "little-endian", "big-endian")
	case h.ByteOrder != xl.ByteOrder:
		return w.bad(xl.RuleByteOrder, frame.ErrCorrupt, "byte order", fmt.Sprintf("%#08x", xl.ByteOrder), fmt.Sprintf("%#08x", h.ByteOrder))
	case h.Mandatory&^xl.KnownFlags != 0:
		return w.bad(xl.RuleMandatory, frame.ErrUnsupported, "mandatory flags", "none but bits 0 and 1", fmt.Sprintf("%#x", h.Mandatory))
	case h.Mandatory&xl.FlagStreamV2 == 0:
		return w.bad(xl.RuleLegacy, frame.ErrUnsupported, "a legacy stream, from before Xen 4.6", "a stream of version 2", "bit 1 of the mandatory flags clear")
	case h.DataLength > w.maxConfig:
		return w.bad(xl.RuleDataLimit, frame.ErrTooLarge, "length of the optional data", fmt.Sprintf("at most %d", w.maxConfig), h.DataLength)
	case h.DataLength > 0 && h.DataLength < 4:
		return w.bad(xl.RuleDataLength, frame.ErrCorrupt, "length of the optional data", "0, or at least 4", h.DataLength)
	}
	if h.Optional != 0 {
		if err := w.verify(xl.RuleOptional, "optional flags", "0", fmt.Sprintf("%#x", h.Optional)); err != nil {
			return err
		}
	}
	if (h.Mandatory&xl.FlagJSON != 0) != (h.DataLength > 0) {
		return w.verify(xl.RuleConfigFlag, "bit 0 of the mandatory flags", "set if and only if there is a configuration", fmt.Sprintf("%d bytes of optional data", h.DataLength))
	}
	return nil
}

func (w *Walker) optionalData() error {
	if w.xl.length == 0 {
		w.beginLibxl()
		return nil
	}
	w.at(xl.Layer, "optional data")
	w.expect(4, (*Walker).configLength)
	return nil
}

func (w *Walker) configLength(b []byte) error {
	room := w.xl.length - 4
	n := binary.LittleEndian.Uint32(b)
	if n > room {
		return w.bad(xl.RuleDataLength, frame.ErrCorrupt, "length of the configuration", fmt.Sprintf("at most %d", room), n)
	}
	w.xl.length, w.xl.extra = n, room-n
	w.then = (*Walker).config
	return nil
}

// config gathers the configuration: as much as has come, not as much as was
// announced.
func (w *Walker) config() error {
	w.at(xl.Layer, "configuration")
	w.bytes(int64(w.xl.length), (*Walker).gatherConfig, (*Walker).configRead)
	return nil
}

func (w *Walker) gatherConfig(b []byte) error {
	w.xl.text = append(w.xl.text, b...)
	return nil
}

func (w *Walker) configRead() error {
	if err := w.judgeConfig(w.xl.text); err != nil {
		return err
	}
	w.xl.text = nil
	if w.xl.extra > 0 {
		if err := w.verify(xl.RuleExtra, "bytes behind the configuration", 0, w.xl.extra); err != nil {
			return err
		}
	}
	w.skip(int64(w.xl.extra), func(w *Walker) error {
		w.beginLibxl()
		return nil
	})
	return nil
}
