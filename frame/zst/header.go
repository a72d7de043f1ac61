package zst

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Version is the version of the header that this package reads and writes.
const Version = 1

// Formats of a stream by what a reader has to know, spec §16.
const (
	FormatBase = 1
	FormatLive = 2 // live streams too
	// Format is the newest that this package knows.
	Format = FormatLive
)

// A FormatError is underneath the error about a stream that needs a newer reader.
// It wraps [frame.ErrUnsupported].
type FormatError struct {
	// Needs is the format that the stream says its reader has to know; 0 if it does
	// not say.
	Needs int
}

// Error says what the stream needs, and what this package knows.
func (e *FormatError) Error() string {
	if e.Needs == 0 {
		return fmt.Sprintf("it needs a newer ctxpipe than this, which knows format %d", Format)
	}
	return fmt.Sprintf("it needs a ctxpipe that knows format %d, and this knows %d", e.Needs, Format)
}

// Unwrap gives frame.ErrUnsupported.
func (e *FormatError) Unwrap() error { return frame.ErrUnsupported }

// outdated completes the error about a stream that needs a newer reader, and advises to
// upgrade. format is what the stream says it needs. Other errors it leaves alone.
func outdated(err error, format uint16) error {
	var needs *FormatError
	var place *frame.Error
	if errors.As(err, &needs) && errors.As(err, &place) {
		needs.Needs = int(format)
		place.What += ": " + needs.Error() + ": upgrade it"
	}
	return err
}

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
	// Live says that seals let out what stands before them, spec §11.
	Live bool
	// Format is what a reader has to know; 0 if the header does not say, which
	// means FormatBase.
	Format uint16
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
	if h.Format != 0 {
		dst = appendField(dst, fieldFormat, binary.LittleEndian.AppendUint16(nil, h.Format))
	}
	dst = append(dst, h.Optional...)
	if h.Wire != WireZstd {
		dst = appendField(dst, fieldWire, []byte{byte(h.Wire)})
	}
	if h.Live {
		dst = appendField(dst, fieldLive, []byte{1})
	}
	dst, _ = finish(dst, at)
	return dst
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
	b, _, err := body(payload, markHeader, "header")
	if err != nil {
		return Header{}, err
	}
	if v := binary.LittleEndian.Uint16(b); v != Version {
		e := differ(corrupt("header", "TR-11", fieldsAt, "unknown version"), Version, int(v))
		e.Err = &FormatError{}
		return Header{}, outdated(e, 0)
	}
	if binary.LittleEndian.Uint16(b[2:]) != 0 {
		return Header{}, corrupt("header", "TR-12", fieldsAt+2, "reserved is not 0")
	}
	h := Header{Chunk: binary.LittleEndian.Uint32(b[4:])}
	if h.Chunk < MinChunk || h.Chunk > MaxChunk {
		want := fmt.Sprintf("%d to %d", MinChunk, MaxChunk)
		return Header{}, differ(corrupt("header", "TR-13", fieldsAt+4, "chunk out of range"), want, fmt.Sprint(h.Chunk))
	}
	h.Optional, err = parseFields("header", b[headerFixed:], fieldsAt+headerFixed, h.take)
	if err != nil {
		return Header{}, outdated(err, h.Format)
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
	case fieldFormat:
		if len(value) != 2 || binary.LittleEndian.Uint16(value) == 0 {
			return true, corrupt("header", "TR-19", offset, "format is no number of two bytes")
		}
		h.Format = binary.LittleEndian.Uint16(value)
	case fieldWire:
		h.Wire = WireCtxpipe
		return true, mustBeOne("wire", value, offset)
	case fieldLive:
		h.Live = true
		return true, mustBeOne("live", value, offset)
	default:
		return false, nil
	}
	return true, nil
}

// mustBeOne judges the value of a mandatory field of which only 1 is known.
func mustBeOne(name string, value []byte, offset int) error {
	if len(value) != 1 {
		return corrupt("header", "TR-18", offset, name+" is not one byte")
	}
	if value[0] != 1 {
		e := differ(corrupt("header", "TR-18", offset, "unknown "+name), 1, int(value[0]))
		e.Err = &FormatError{}
		return e
	}
	return nil
}
