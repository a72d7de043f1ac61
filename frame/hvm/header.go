package hvm

import "encoding/binary"

// Fields of HEADER (spec §4).
const (
	// HeaderSize is the length of HEADER's body.
	HeaderSize = 24
	// Magic is HEADER's first field, 86 12 38 54 on the wire.
	Magic uint32 = 0x54381286
	// HeaderVersion is the only version of the format.
	HeaderVersion uint32 = 1
	// NoChangeset is the changeset of a Xen that does not tell it.
	NoChangeset uint64 = 1<<64 - 1
)

// Header is the first entry of a context.
type Header struct {
	// Magic and Version are as they were read; [Header.Append] writes them
	// as they are.
	Magic, Version uint32
	// Changeset names the build of Xen, or is [NoChangeset].
	Changeset uint64
	// CPUID is leaf 1, EAX, of the machine that saved: family, model and
	// stepping.
	CPUID uint32
	// GuestTSCKHz is the guest's time-stamp frequency in kHz.
	GuestTSCKHz uint32
}

// DecodeHeader reads HEADER's body. It returns an error wrapping
// io.ErrUnexpectedEOF if body is shorter than [HeaderSize]; the values are
// for the [Checker] to judge.
func DecodeHeader(body []byte) (Header, error) {
	if len(body) < HeaderSize {
		return Header{}, short(HeaderType, HeaderSize, len(body))
	}
	le := binary.LittleEndian
	return Header{
		Magic: le.Uint32(body), Version: le.Uint32(body[4:]), Changeset: le.Uint64(body[8:]),
		CPUID: le.Uint32(body[16:]), GuestTSCKHz: le.Uint32(body[20:]),
	}, nil
}

// Append appends HEADER's body, [HeaderSize] bytes, to dst.
func (h Header) Append(dst []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, h.Magic)
	dst = le.AppendUint32(dst, h.Version)
	dst = le.AppendUint64(dst, h.Changeset)
	dst = le.AppendUint32(dst, h.CPUID)
	return le.AppendUint32(dst, h.GuestTSCKHz)
}
