package zst

import (
	"encoding/binary"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Version is the version of the format that this package reads and writes.
const Version = 1

// What a header may say and be, spec §4.
const (
	MinChunk = 64 << 10
	MaxChunk = 256 << 20
	// MaxHeaderSize is the largest payload of a header frame.
	MaxHeaderSize = 64 << 10

	headerFixed   = 8 // version, reserved, chunk
	minHeaderSize = markSize + headerFixed + checkSize
	maxName       = 32
)

// A Payload names the kind of payload of a stream.
type Payload string

// The names that ctxpipe writes, spec §4. A header may carry others.
const (
	PayloadOpaque        Payload = "opaque"
	PayloadDomainContext Payload = "domain-context"
	PayloadXL            Payload = "xl"
	PayloadLibxl         Payload = "libxl"
	PayloadLibxc         Payload = "libxc"
	PayloadHVMContext    Payload = "hvm-context"
)

// Valid says whether p has the form of a name, spec §4.
func (p Payload) Valid() bool {
	for _, c := range []byte(p) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(p) >= 1 && len(p) <= maxName
}

// A Wire says who can read a stream, spec §2.
type Wire int

// The wires.
const (
	// WireZstd can be read by any zstd decoder.
	WireZstd Wire = iota
	// WireCtxpipe may have fast frames, and can be read by ctxpipe only.
	WireCtxpipe
)

// String gives "zstd" or "ctxpipe".
func (w Wire) String() string {
	if w == WireCtxpipe {
		return "ctxpipe"
	}
	return "zstd"
}

// MarshalText gives the wire as String does.
func (w Wire) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// Header is the first frame of a stream, spec §4.
type Header struct {
	// Chunk is the largest content of a data frame, in bytes.
	Chunk uint32
	// Payload is what the writer took the payload for; empty if it does not
	// say.
	Payload Payload
	// Wire says who can read the stream.
	Wire Wire
	// Optional holds the optional fields that this version does not know, as
	// they stand on the wire. It aliases what was parsed.
	Optional []byte
}

// AppendHeader appends the whole frame. h has to be valid: Chunk in range,
// Payload empty or valid, Optional empty or taken from a parsed header.
func AppendHeader(dst []byte, h Header) []byte {
	at := len(dst)
	dst = begin(dst, markHeader)
	dst = binary.LittleEndian.AppendUint16(dst, Version)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint32(dst, h.Chunk)
	if h.Payload != "" {
		dst = appendField(dst, fieldPayload, h.Payload)
	}
	dst = append(dst, h.Optional...)
	if h.Wire != WireZstd {
		dst = appendField(dst, fieldWire, []byte{byte(h.Wire)})
	}
	return finish(dst, at)
}

// CheckHeaderSize says whether a header frame's payload may have size bytes.
// It is asked before the payload is read.
func CheckHeaderSize(size uint32) error {
	return checkOwnSize("header", "TR-10", size, minHeaderSize, MaxHeaderSize)
}

// ParseHeader takes a header frame's payload apart. It fails with
// [frame.ErrUnsupported] if a newer reader is needed and with
// [frame.ErrCorrupt] if a rule is broken.
func ParseHeader(payload []byte) (Header, error) {
	if err := CheckHeaderSize(uint32(min(len(payload), MaxHeaderSize+1))); err != nil {
		return Header{}, err
	}
	b, err := body(payload, markHeader, "header")
	if err != nil {
		return Header{}, err
	}
	if v := binary.LittleEndian.Uint16(b); v != Version {
		e := differ(corrupt("header", "TR-11", markSize, "unknown version of the format: upgrade ctxpipe to read it"), Version, int(v))
		e.Err = frame.ErrUnsupported
		return Header{}, e
	}
	if binary.LittleEndian.Uint16(b[2:]) != 0 {
		return Header{}, corrupt("header", "TR-12", markSize+2, "reserved is not 0")
	}
	h := Header{Chunk: binary.LittleEndian.Uint32(b[4:])}
	if h.Chunk < MinChunk || h.Chunk > MaxChunk {
		want := fmt.Sprintf("%d to %d", MinChunk, MaxChunk)
		return Header{}, differ(corrupt("header", "TR-13", markSize+4, "chunk out of range"), want, fmt.Sprint(h.Chunk))
	}
	h.Optional, err = parseFields("header", b[headerFixed:], markSize+headerFixed, h.take)
	if err != nil {
		return Header{}, err
	}
	return h, nil
}

// take fills in what a known field says.
func (h *Header) take(typ uint16, value []byte, offset int) (bool, error) {
	switch typ {
	case fieldPayload:
		h.Payload = Payload(value)
		if !h.Payload.Valid() {
			return true, corrupt("header", "TR-17", offset, "payload is no name")
		}
	case fieldWire:
		if len(value) != 1 {
			return true, corrupt("header", "TR-18", offset, "wire is not one byte")
		}
		if value[0] != byte(WireCtxpipe) {
			e := differ(corrupt("header", "TR-18", offset, "unknown wire: upgrade ctxpipe to read it"), int(WireCtxpipe), int(value[0]))
			e.Err = frame.ErrUnsupported
			return true, e
		}
		h.Wire = WireCtxpipe
	default:
		return false, nil
	}
	return true, nil
}
