package frame

import (
	"encoding/binary"
	"fmt"
)

// Fields of HEADER's body (spec §5.2).
const (
	// Magic is HEADER's first field, 45 56 41 53 on the wire.
	Magic uint32 = 0x53415645
	// HeaderVersion is the only version of the compact layout.
	HeaderVersion uint32 = 1
	// HeaderBody is how many bytes of HEADER's body carry fields: magic at
	// 0, xen_major at 4, xen_minor at 6, version at 8.
	HeaderBody = 12
	// StartBody is the length of START's body: xen_major at 0, xen_minor at
	// 4 (spec §6.2).
	StartBody = 8
)

// XenVersion is the version of the Xen that wrote a context.
type XenVersion struct {
	Major, Minor uint32
}

// String gives "major.minor".
func (v XenVersion) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Compare gives -1, 0 or 1 as v is older than, equal to or newer than w,
// major first (spec §5.2).
func (v XenVersion) Compare(w XenVersion) int {
	switch {
	case v.Major < w.Major, v.Major == w.Major && v.Minor < w.Minor:
		return -1
	case v == w:
		return 0
	}
	return 1
}

// Header is the first entry of a context: HEADER or START.
type Header struct {
	Layout Layout
	Xen    XenVersion
}

// Descriptor gives the descriptor of the header as it is written.
func (h Header) Descriptor() Descriptor {
	if h.Layout == Wide {
		return Descriptor{Type: Start, Length: StartBody}
	}
	return Descriptor{Type: Start, Length: 16}
}

// Append appends the whole entry, [HeaderSize] bytes, to dst and returns the
// longer slice. It returns an error wrapping [ErrTooLarge] if the compact
// layout has no room for the Xen version, and one wrapping [ErrMisuse] if the
// layout is none.
func (h Header) Append(dst []byte) ([]byte, error) {
	if !h.Layout.Valid() {
		return dst, Misuse(RuleCalls, "no such layout: %v", h.Layout)
	}
	out, err := h.Descriptor().Append(dst, h.Layout)
	if err != nil {
		return dst, err
	}
	le := binary.LittleEndian
	if h.Layout == Wide {
		out = le.AppendUint32(out, h.Xen.Major)
		return le.AppendUint32(out, h.Xen.Minor), nil
	}
	if h.Xen.Major > 1<<16-1 || h.Xen.Minor > 1<<16-1 {
		return dst, &Error{
			Layer: Layer, Record: h.Descriptor().Name(h.Layout), Rule: RuleFieldFits, What: "Xen version does not fit its fields",
			Wanted: "at most 65535.65535", Got: h.Xen.String(), Err: ErrTooLarge,
		}
	}
	out = le.AppendUint32(out, Magic)
	out = le.AppendUint16(out, uint16(h.Xen.Major))
	out = le.AppendUint16(out, uint16(h.Xen.Minor))
	out = le.AppendUint32(out, HeaderVersion)
	return append(out, 0, 0, 0, 0), nil
}

// DecodeHeader reads the fields of a first entry with descriptor d from its
// whole body; a compact body of fewer than [HeaderBody] bytes counts as
// extended by zeros. It checks the rules of spec §5.2 and §6.2. Errors wrap
// [ErrCorrupt], and [ErrUnsupported] for a version that is not 1.
func DecodeHeader(d Descriptor, l Layout, body []byte) (Header, error) {
	h := Header{Layout: l}
	bad := func(rule Rule, sentinel error, what, wanted, got string) (Header, error) {
		return h, &Error{Layer: Layer, Record: d.Name(l), Rule: rule, What: what, Wanted: wanted, Got: got, Err: sentinel}
	}
	if d.Instance != 0 {
		return bad(RuleHeaderInst, ErrCorrupt, "instance of the first entry", "0", fmt.Sprint(d.Instance))
	}
	le := binary.LittleEndian
	if l == Wide {
		if d.Length != StartBody || len(body) < StartBody {
			return bad(RuleStartLength, ErrCorrupt, "length of START", fmt.Sprint(StartBody), fmt.Sprint(min(d.Length, uint64(len(body)))))
		}
		h.Xen = XenVersion{le.Uint32(body[0:]), le.Uint32(body[4:])}
		return h, nil
	}
	var b [HeaderBody]byte
	copy(b[:], body)
	if m := le.Uint32(b[0:]); m != Magic {
		return bad(RuleMagic, ErrCorrupt, "magic", fmt.Sprintf("%#08x", Magic), fmt.Sprintf("%#08x", m))
	}
	h.Xen = XenVersion{uint32(le.Uint16(b[4:])), uint32(le.Uint16(b[6:]))}
	if v := le.Uint32(b[8:]); v != HeaderVersion {
		return bad(RuleVersion, ErrUnsupported, "version of the layout", fmt.Sprint(HeaderVersion), fmt.Sprint(v))
	}
	if len(body) > HeaderBody && !IsZero(body[HeaderBody:]) {
		return bad(RuleHeaderExcess, ErrCorrupt, "bytes behind HEADER's fields", "zero", "something else")
	}
	return h, nil
}
