package frame

import (
	"encoding/binary"
	"fmt"
)

// Descriptor stands in front of every entry (spec §5.1, §6.1):
//
//	          Compact      Wide
//	Type      u16 at 0     u32 at 0
//	Instance  u16 at 2     u32 at 4
//	Length    u32 at 4     u64 at 8
//
// Length is the field as it is on the wire; in the compact layout it counts
// the padding.
type Descriptor struct {
	Type     Type
	Instance uint32
	Length   uint64
}

// Put encodes d into the first [Layout.DescriptorSize] bytes of b and panics
// if b is shorter. It returns an error wrapping [ErrTooLarge], and changes
// nothing, if a value does not fit its field (rules DC-22 and DC-23); the
// unfinished mark does fit.
func (d Descriptor) Put(b []byte, l Layout) error {
	if err := d.fits(l); err != nil {
		return err
	}
	if l == Wide {
		_ = b[WideDescriptorSize-1]
		binary.LittleEndian.PutUint32(b[0:], uint32(d.Type))
		binary.LittleEndian.PutUint32(b[4:], d.Instance)
		binary.LittleEndian.PutUint64(b[8:], d.Length)
		return nil
	}
	_ = b[CompactDescriptorSize-1]
	binary.LittleEndian.PutUint16(b[0:], uint16(d.Type))
	binary.LittleEndian.PutUint16(b[2:], uint16(d.Instance))
	binary.LittleEndian.PutUint32(b[4:], uint32(d.Length))
	return nil
}

// Append appends the encoded descriptor to dst and returns the longer slice.
// The errors are those of [Descriptor.Put].
func (d Descriptor) Append(dst []byte, l Layout) ([]byte, error) {
	var b [MaxDescriptorSize]byte
	n := l.DescriptorSize()
	if err := d.Put(b[:n], l); err != nil {
		return dst, err
	}
	return append(dst, b[:n]...), nil
}

// DecodeDescriptor reads a descriptor from the first [Layout.DescriptorSize]
// bytes of b and panics if b is shorter. Any bytes decode; whether the values
// are acceptable is for the caller to judge.
func DecodeDescriptor(b []byte, l Layout) Descriptor {
	if l == Wide {
		_ = b[WideDescriptorSize-1]
		return Descriptor{
			Type:     Type(binary.LittleEndian.Uint32(b[0:])),
			Instance: binary.LittleEndian.Uint32(b[4:]),
			Length:   binary.LittleEndian.Uint64(b[8:]),
		}
	}
	_ = b[CompactDescriptorSize-1]
	return Descriptor{
		Type:     Type(binary.LittleEndian.Uint16(b[0:])),
		Instance: uint32(binary.LittleEndian.Uint16(b[2:])),
		Length:   uint64(binary.LittleEndian.Uint32(b[4:])),
	}
}

// fits checks the values against the widths of their fields.
func (d Descriptor) fits(l Layout) error {
	switch {
	case d.Type > l.MaxType():
		return d.tooLarge(l, RuleFieldFits, "type does not fit its field", uint64(l.MaxType()), uint64(d.Type))
	case d.Instance > l.MaxInstance():
		return d.tooLarge(l, RuleFieldFits, "instance does not fit its field", uint64(l.MaxInstance()), uint64(d.Instance))
	case d.Length > l.MaxBody() && d.Length != l.Unfinished():
		return d.tooLarge(l, RuleLengthFits, "length does not fit its field", l.MaxBody(), d.Length)
	}
	return nil
}

func (d Descriptor) tooLarge(l Layout, rule Rule, what string, most, got uint64) error {
	return &Error{
		Layer: Layer, Index: NoIndex, Record: d.Name(l), Rule: rule, What: what,
		Wanted: fmt.Sprintf("at most %d", most), Got: fmt.Sprint(got), Err: ErrTooLarge,
	}
}

// Name gives what an [Error] calls the entry: type, name if it has one, and
// instance, such as "type 2 SHARED_INFO instance 0".
func (d Descriptor) Name(l Layout) string {
	if name := d.Type.Name(l); name != "" {
		return fmt.Sprintf("type %d %s instance %d", uint32(d.Type), name, d.Instance)
	}
	return fmt.Sprintf("type %d instance %d", uint32(d.Type), d.Instance)
}
