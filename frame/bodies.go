package frame

import (
	"encoding/binary"
	"fmt"
)

// Sizes of SHARED_INFO's data in bytes (spec §10.1).
const (
	SharedInfo64   = 3136 // 64-bit guests on x86
	SharedInfo32   = 2344 // 32-bit guests on x86
	SharedInfoArm  = 1088
	SharedInfoPage = 4096 // version 3 of the series stored the whole page
)

// SharedInfo is what SHARED_INFO says about its data.
type SharedInfo struct {
	// Narrow says that the guest uses the 32-bit layout.
	Narrow bool
	// Data is the structure itself; it aliases the body it was decoded from.
	Data []byte
}

// DecodeSharedInfo takes the body of an entry with descriptor d apart. body
// holds all d.Length bytes, or at least the first [MaxCheckedBody] of them.
// Errors are of type [*Error], without an offset,
// and wrap [ErrCorrupt] (rules DC-70 to DC-73).
func DecodeSharedInfo(d Descriptor, l Layout, body []byte) (SharedInfo, error) {
	var s SharedInfo
	if d.Instance != 0 {
		return s, d.bad(l, RuleSingle, "instance", "0", fmt.Sprint(d.Instance))
	}
	header := uint64(8)
	if l == Wide {
		header = 4
	}
	if d.Length < header {
		return s, d.bad(l, sizeRule(l), "length", fmt.Sprintf("at least %d", header), fmt.Sprint(d.Length))
	}
	flags := binary.LittleEndian.Uint32(body)
	if flags&^1 != 0 {
		return s, d.bad(l, RuleFlags, "flags", "0 or 1", fmt.Sprintf("%#x", flags))
	}
	s.Narrow = flags&1 != 0
	size := d.Length - header
	if l != Wide {
		if n := binary.LittleEndian.Uint32(body[4:]); uint64(n) != size {
			return s, d.bad(l, RuleBufferSize, "buffer_size", fmt.Sprint(size), fmt.Sprint(n))
		}
	}
	if !s.sizeFits(l, size) {
		return s, d.bad(l, sizeRule(l), "size of the shared info for its flags", "a known size", fmt.Sprint(size))
	}
	s.Data = body[header:]
	return s, nil
}

// sizeRule is the rule about the size of SHARED_INFO's data.
func sizeRule(l Layout) Rule {
	if l == Wide {
		return RuleInfoLength
	}
	return RuleBufferSize
}

// sizeFits says whether data of that size goes with the flag.
func (s SharedInfo) sizeFits(l Layout, size uint64) bool {
	switch size {
	case SharedInfo64: // versions 4 and 5 store the full size for both widths
		return !s.Narrow || l == Compact
	case SharedInfo32:
		return s.Narrow
	case SharedInfoArm:
		return !s.Narrow
	case SharedInfoPage:
		return l == Compact
	}
	return false
}

// TSCInfo is the state of the time-stamp counter (spec §10.2).
type TSCInfo struct {
	// Mode is 0 default, 1 always emulate, 2 never emulate.
	Mode uint32
	// Incarnation counts how often the settings were set.
	Incarnation uint32
	// KHz is the frequency that the guest sees.
	KHz uint32
	// Nanoseconds is the guest's time since the domain was made.
	Nanoseconds uint64
}

// DecodeTSCInfo takes the body of an entry with descriptor d apart. body
// holds all d.Length bytes, or at least the first [MaxCheckedBody] of them.
// Errors are of type [*Error], without an offset,
// and wrap [ErrCorrupt] (rules DC-70, DC-74, DC-75).
func DecodeTSCInfo(d Descriptor, l Layout, body []byte) (TSCInfo, error) {
	var t TSCInfo
	if d.Instance != 0 {
		return t, d.bad(l, RuleSingle, "instance", "0", fmt.Sprint(d.Instance))
	}
	le := binary.LittleEndian
	switch {
	case l == Compact && d.Length == 24:
		t = TSCInfo{Mode: le.Uint32(body), Incarnation: le.Uint32(body[4:]), Nanoseconds: le.Uint64(body[8:]), KHz: le.Uint32(body[16:])}
	case l == Wide && (d.Length == 20 || d.Length == 24):
		t = TSCInfo{Mode: le.Uint32(body), KHz: le.Uint32(body[4:]), Nanoseconds: le.Uint64(body[8:]), Incarnation: le.Uint32(body[16:])}
		if !IsZero(body[20:]) {
			return t, d.bad(l, RuleTSCLength, "reserved bytes", "zero", "something else")
		}
	case l == Wide:
		return t, d.bad(l, RuleTSCLength, "length", "20 or 24", fmt.Sprint(d.Length))
	default:
		return t, d.bad(l, RuleTSCLength, "length", "24", fmt.Sprint(d.Length))
	}
	if t.Mode > 2 {
		return t, d.bad(l, RuleTSCMode, "mode", "0, 1 or 2", fmt.Sprint(t.Mode))
	}
	return t, nil
}

// Append appends the body of TSC_INFO, 24 bytes in either layout, to dst.
func (t TSCInfo) Append(dst []byte, l Layout) []byte {
	le := binary.LittleEndian
	second, last := t.Incarnation, t.KHz
	if l == Wide {
		second, last = t.KHz, t.Incarnation
	}
	dst = le.AppendUint32(dst, t.Mode)
	dst = le.AppendUint32(dst, second)
	dst = le.AppendUint64(dst, t.Nanoseconds)
	dst = le.AppendUint32(dst, last)
	return append(dst, 0, 0, 0, 0)
}

// CheckBody applies the rules of spec §10 to the body of an entry, of which
// body holds all d.Length bytes, or at least the first [MaxCheckedBody]. Types
// that have no rules pass.
func CheckBody(d Descriptor, l Layout, body []byte) error {
	var err error
	switch d.Type {
	case SharedInfoType:
		_, err = DecodeSharedInfo(d, l, body)
	case TSCInfoType:
		_, err = DecodeTSCInfo(d, l, body)
	}
	return err
}

// MaxCheckedBody is the largest body that [CheckBody] accepts for a type with
// rules, so that nobody need gather more bytes for it.
const MaxCheckedBody = 8 + SharedInfoPage

func (d Descriptor) bad(l Layout, rule Rule, what, wanted, got string) error {
	return &Error{Layer: Layer, Index: NoIndex, Record: d.Name(l), Rule: rule, What: what, Wanted: wanted, Got: got, Err: ErrCorrupt}
}
