package xl

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Layer is the Layer of a frame.Error of this format.
const Layer = "xl"

// Fields of the header (spec §4.1).
const (
	// Magic is the first 32 bytes.
	Magic = "Xen saved domain, xl format\n \x00 \r"
	// HeaderSize is the size of a [Header] on the wire.
	HeaderSize = 48
	// ByteOrder is the value of that field as its writer sees it, and
	// SwappedByteOrder as a reader of the other byte order does.
	ByteOrder        uint32 = 0x01020304
	SwappedByteOrder uint32 = 0x04030201
)

// Bits of Mandatory in a [Header]. A reader refuses any other.
const (
	// FlagJSON says that the configuration is JSON.
	FlagJSON uint32 = 1 << 0
	// FlagStreamV2 says that a libxl stream of version 2 follows; without it
	// the stream is a legacy one, from before Xen 4.6.
	FlagStreamV2 uint32 = 1 << 1

	KnownFlags = FlagJSON | FlagStreamV2
)

// The rules of docs/spec/xen-streams.md about this layer.
const (
	RuleCut        frame.Rule = "XS-3"
	RuleMagic      frame.Rule = "XS-10"
	RuleByteOrder  frame.Rule = "XS-11"
	RuleMandatory  frame.Rule = "XS-12"
	RuleLegacy     frame.Rule = "XS-13"
	RuleDataLimit  frame.Rule = "XS-14"
	RuleDataLength frame.Rule = "XS-15"
	RuleOptional   frame.Rule = "XS-16"
	RuleExtra      frame.Rule = "XS-17"
	RuleConfigFlag frame.Rule = "XS-18"
	RuleConfigText frame.Rule = "XS-19"
	RuleConfigJSON frame.Rule = "XS-20"
	RuleConfigType frame.Rule = "XS-21"
)

// Header is what stands behind the magic: byte order at 32, mandatory flags at
// 36, optional flags at 40, length of the optional data at 44; u32 each, as
// they were read.
type Header struct {
	ByteOrder uint32
	// Mandatory are flags that a reader has to know.
	Mandatory uint32
	// Optional are flags that it may ignore; none is defined.
	Optional uint32
	// DataLength is the length of the optional data, which holds the
	// configuration.
	DataLength uint32
}

// Append appends the encoded header, [HeaderSize] bytes, to dst.
func (h Header) Append(dst []byte) []byte {
	le := binary.LittleEndian
	dst = append(dst, Magic...)
	dst = le.AppendUint32(dst, h.ByteOrder)
	dst = le.AppendUint32(dst, h.Mandatory)
	dst = le.AppendUint32(dst, h.Optional)
	return le.AppendUint32(dst, h.DataLength)
}

// ParseHeader reads the header at the start of b. Its errors are of type
// *frame.Error: b is too short, or does not begin with the magic.
func ParseHeader(b []byte) (Header, error) {
	bad := &frame.Error{Layer: Layer, Index: frame.NoIndex, Record: "header"}
	if len(b) < HeaderSize {
		bad.Rule, bad.Err, bad.What = RuleCut, io.ErrUnexpectedEOF, "header is cut"
		bad.Wanted, bad.Got = fmt.Sprintf("%d bytes", HeaderSize), fmt.Sprint(len(b))
		return Header{}, bad
	}
	if string(b[:len(Magic)]) != Magic {
		bad.Rule, bad.Err, bad.What = RuleMagic, frame.ErrCorrupt, "magic"
		bad.Wanted, bad.Got = "that of an xl save file", "something else"
		return Header{}, bad
	}
	le := binary.LittleEndian
	return Header{le.Uint32(b[32:]), le.Uint32(b[36:]), le.Uint32(b[40:]), le.Uint32(b[44:])}, nil
}

// AppendConfig appends a header and its optional data, as today's xl writes
// them, to dst: the libxl stream comes next. A NUL is put behind the text.
func AppendConfig(dst []byte, text string) []byte {
	n := uint32(len(text) + 1)
	dst = Header{ByteOrder: ByteOrder, Mandatory: KnownFlags, DataLength: 4 + n}.Append(dst)
	dst = binary.LittleEndian.AppendUint32(dst, n)
	dst = append(dst, text...)
	return append(dst, 0)
}
