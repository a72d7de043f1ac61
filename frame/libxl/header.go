package libxl

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Layer is the Layer of a frame.Error of this format.
const Layer = "libxl"

// Fields of the header (spec §5.1).
const (
	// Magic is the first 8 bytes; Ident is the same as a number.
	Magic        = "LibxlFmt"
	Ident uint64 = 0x4c6962786c466d74
	// Version is the only version.
	Version uint32 = 2
	// HeaderSize is the size of a [Header] on the wire.
	HeaderSize = 16
)

// Bits of Options in a [Header].
const (
	// OptionBigEndian says that fields of records are big-endian.
	OptionBigEndian uint32 = 1 << 0
	// OptionConverted says that the stream was made out of a legacy one.
	OptionConverted uint32 = 1 << 1

	KnownOptions = OptionBigEndian | OptionConverted
)

// Header begins a stream: ident u64 at 0, version u32 at 8, options u32 at 12,
// all big-endian whatever the stream is. The values are as they were read.
type Header struct {
	Ident   uint64
	Version uint32
	Options uint32
}

// NewHeader gives the header that today's Xen writes.
func NewHeader() Header { return Header{Ident: Ident, Version: Version} }

// Append appends the encoded header, [HeaderSize] bytes, to dst.
func (h Header) Append(dst []byte) []byte {
	be := binary.BigEndian
	dst = be.AppendUint64(dst, h.Ident)
	dst = be.AppendUint32(dst, h.Version)
	return be.AppendUint32(dst, h.Options)
}

// ParseHeader reads the header at the start of b. It returns an error wrapping
// io.ErrUnexpectedEOF if b is too short; the values are for others to judge.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderSize {
		return Header{}, short("header", HeaderSize, len(b))
	}
	be := binary.BigEndian
	return Header{be.Uint64(b), be.Uint32(b[8:]), be.Uint32(b[12:])}, nil
}

func short(record string, want, got int) error {
	return &frame.Error{
		Layer: Layer, Index: frame.NoIndex, Record: record, Rule: RuleCut, What: "record is cut",
		Wanted: fmt.Sprintf("at least %d bytes", want), Got: fmt.Sprint(got), Err: io.ErrUnexpectedEOF,
	}
}
