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
	fieldFixed    = 4 // type, length
	maxName       = 32
)

const (
	fieldPayload   = 0x0001
	fieldMandatory = 0x8000
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

// Header is the first frame of a stream, spec §4.
type Header struct {
	// Chunk is the largest content of a data frame, in bytes.
	Chunk uint32
	// Payload is what the writer took the payload for; empty if it does not
	// say.
	Payload Payload
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
		dst = binary.LittleEndian.AppendUint16(dst, fieldPayload)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(h.Payload)))
		dst = append(dst, h.Payload...)
	}
	dst = append(dst, h.Optional...)
	return finish(dst, at)
}

// CheckHeaderSize says whether a header frame's payload may have size bytes.
// It is asked before the payload is read.
func CheckHeaderSize(size uint32) error {
	if size < minHeaderSize {
		return differ(corrupt("header", "TR-10", 4, "size too small"), minHeaderSize, int(size))
	}
	if size > MaxHeaderSize {
		e := differ(corrupt("header", "TR-10", 4, "size too large"), MaxHeaderSize, int64(size))
		e.Err = frame.ErrTooLarge
		return e
	}
	return nil
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
	if err := h.parseFields(b[headerFixed:]); err != nil {
		return Header{}, err
	}
	return h, nil
}

// parseFields fills in what the fields say. All known fields have lower types
// than all unknown ones, so what is unknown is one run at the end.
func (h *Header) parseFields(fields []byte) error {
	last := uint16(0)
	for rest := fields; len(rest) > 0; {
		offset := markSize + headerFixed + len(fields) - len(rest)
		if len(rest) < fieldFixed {
			return corrupt("header", "TR-14", offset, "fields do not fill the header")
		}
		typ, size := binary.LittleEndian.Uint16(rest), int(binary.LittleEndian.Uint16(rest[2:]))
		if size > len(rest)-fieldFixed {
			return corrupt("header", "TR-14", offset, "fields do not fill the header")
		}
		if typ <= last {
			return corrupt("header", "TR-14", offset, "field types do not rise")
		}
		switch {
		case typ == fieldPayload:
			h.Payload = Payload(rest[fieldFixed : fieldFixed+size])
			if !h.Payload.Valid() {
				return corrupt("header", "TR-17", offset, "payload is no name")
			}
		case typ&fieldMandatory != 0:
			e := corrupt("header", "TR-15", offset, "unknown mandatory field: upgrade ctxpipe to read it")
			e.Got, e.Err = fmt.Sprintf("%#04x", typ), frame.ErrUnsupported
			return e
		case h.Optional == nil:
			h.Optional = rest
		}
		last, rest = typ, rest[fieldFixed+size:]
	}
	return nil
}
