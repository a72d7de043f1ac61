package libxc

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Layer is the Layer of a frame.Error of this format.
const Layer = "libxc"

// Fields of the image header (spec §6.1).
const (
	// Magic is the first 12 bytes: a marker of all ones, and an id.
	Magic = "\xff\xff\xff\xff\xff\xff\xff\xffXENF"
	// Marker and ID are the same as numbers.
	Marker uint64 = 1<<64 - 1
	ID     uint32 = 0x58454e46
	// ImageHeaderSize is the size of an [ImageHeader] on the wire.
	ImageHeaderSize = 24
	// OptionBigEndian says that everything else is big-endian.
	OptionBigEndian uint16 = 1 << 0
)

// Versions of the stream (spec §6.5). Version 4 is that of a series which Xen
// never merged: it adds [DomainContext].
const (
	MinVersion uint32 = 2
	MaxVersion uint32 = 4
)

// ImageHeader begins a stream: marker u64 at 0, id u32 at 8, version u32 at
// 12, options u16 at 16, reserved u16 at 18 and u32 at 20; all big-endian. The
// values are as they were read.
type ImageHeader struct {
	Marker    uint64
	ID        uint32
	Version   uint32
	Options   uint16
	Reserved1 uint16
	Reserved2 uint32
}

// NewImageHeader gives the header of a stream of that version.
func NewImageHeader(version uint32) ImageHeader {
	return ImageHeader{Marker: Marker, ID: ID, Version: version}
}

// Append appends the encoded header, [ImageHeaderSize] bytes, to dst.
func (h ImageHeader) Append(dst []byte) []byte {
	be := binary.BigEndian
	dst = be.AppendUint64(dst, h.Marker)
	dst = be.AppendUint32(dst, h.ID)
	dst = be.AppendUint32(dst, h.Version)
	dst = be.AppendUint16(dst, h.Options)
	dst = be.AppendUint16(dst, h.Reserved1)
	return be.AppendUint32(dst, h.Reserved2)
}

// ParseImageHeader reads the header at the start of b. It returns an error
// wrapping io.ErrUnexpectedEOF if b is too short; the values are for others to
// judge.
func ParseImageHeader(b []byte) (ImageHeader, error) {
	if len(b) < ImageHeaderSize {
		return ImageHeader{}, short("image header", ImageHeaderSize, len(b))
	}
	be := binary.BigEndian
	return ImageHeader{
		Marker: be.Uint64(b), ID: be.Uint32(b[8:]), Version: be.Uint32(b[12:]),
		Options: be.Uint16(b[16:]), Reserved1: be.Uint16(b[18:]), Reserved2: be.Uint32(b[20:]),
	}, nil
}

// Guest is the kind of domain that a stream restores.
type Guest uint32

// The two kinds. A PVH domain is an HVM one here.
const (
	PV  Guest = 1
	HVM Guest = 2
)

// String gives "pv" or "hvm".
func (g Guest) String() string {
	switch g {
	case PV:
		return "pv"
	case HVM:
		return "hvm"
	}
	return fmt.Sprintf("Guest(%d)", uint32(g))
}

// Pages are of 4 KiB: there is no other value of PageShift.
const (
	PageShift uint16 = 12
	PageSize         = 1 << PageShift
)

// DomainHeaderSize is the size of a [DomainHeader] on the wire.
const DomainHeaderSize = 16

// DomainHeader follows the image header: type u32 at 0, page_shift u16 at 4,
// reserved u16 at 6, xen_major u32 at 8, xen_minor u32 at 12.
type DomainHeader struct {
	Guest     Guest
	PageShift uint16
	Reserved  uint16
	// Xen is the version of the Xen that wrote the stream. Major 0 is the
	// converter of legacy streams.
	Xen frame.XenVersion
}

// Append appends the encoded header, [DomainHeaderSize] bytes, to dst.
func (h DomainHeader) Append(dst []byte) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, uint32(h.Guest))
	dst = le.AppendUint16(dst, h.PageShift)
	dst = le.AppendUint16(dst, h.Reserved)
	dst = le.AppendUint32(dst, h.Xen.Major)
	return le.AppendUint32(dst, h.Xen.Minor)
}

// ParseDomainHeader reads the header at the start of b. It returns an error
// wrapping io.ErrUnexpectedEOF if b is too short; the values are for others to
// judge.
func ParseDomainHeader(b []byte) (DomainHeader, error) {
	if len(b) < DomainHeaderSize {
		return DomainHeader{}, short("domain header", DomainHeaderSize, len(b))
	}
	le := binary.LittleEndian
	return DomainHeader{
		Guest: Guest(le.Uint32(b)), PageShift: le.Uint16(b[4:]), Reserved: le.Uint16(b[6:]),
		Xen: frame.XenVersion{Major: le.Uint32(b[8:]), Minor: le.Uint32(b[12:])},
	}, nil
}

func short(record string, want, got int) error {
	return &frame.Error{
		Layer: Layer, Index: frame.NoIndex, Record: record, Rule: RuleCut, What: "record is cut",
		Wanted: fmt.Sprintf("at least %d bytes", want), Got: fmt.Sprint(got), Err: io.ErrUnexpectedEOF,
	}
}
