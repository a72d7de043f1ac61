package hvm

import (
	"encoding/binary"
	"fmt"
)

// DescriptorSize is the size of a [Descriptor] on the wire in bytes.
const DescriptorSize = 8

// Descriptor stands in front of every entry (spec §3): type u16 at 0,
// instance u16 at 2, length u32 at 4. Length is that of the body alone.
type Descriptor struct {
	Type     Type
	Instance uint16
	Length   uint32
}

// Append appends the encoded descriptor to dst and returns the longer slice.
func (d Descriptor) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, uint16(d.Type))
	dst = binary.LittleEndian.AppendUint16(dst, d.Instance)
	return binary.LittleEndian.AppendUint32(dst, d.Length)
}

// DecodeDescriptor reads a descriptor from the first [DescriptorSize] bytes
// of b and panics if b is shorter. Any bytes decode.
func DecodeDescriptor(b []byte) Descriptor {
	_ = b[DescriptorSize-1]
	return Descriptor{
		Type:     Type(binary.LittleEndian.Uint16(b[0:])),
		Instance: binary.LittleEndian.Uint16(b[2:]),
		Length:   binary.LittleEndian.Uint32(b[4:]),
	}
}

// Name gives what an error calls the entry, such as "type 2 CPU instance 0".
func (d Descriptor) Name() string {
	if name := d.Type.Name(); name != "" {
		return fmt.Sprintf("type %d %s instance %d", uint16(d.Type), name, d.Instance)
	}
	return fmt.Sprintf("type %d instance %d", uint16(d.Type), d.Instance)
}

// AppendEntry appends a whole entry, descriptor and body, to dst. Its length
// is that of the body.
func AppendEntry(dst []byte, t Type, instance uint16, body []byte) []byte {
	dst = Descriptor{Type: t, Instance: instance, Length: uint32(len(body))}.Append(dst)
	return append(dst, body...)
}

// AppendEnd appends END, which closes a context, to dst.
func AppendEnd(dst []byte) []byte { return Descriptor{Type: End}.Append(dst) }
