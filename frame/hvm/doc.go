// Package hvm is the wire of an HVM context: what Xen keeps of an HVM or PVH
// guest's virtual processors and devices, as it stands in the HVM_CONTEXT
// record of a libxc stream.
//
// A context is a run of entries without padding. Each entry is a descriptor
// of 8 bytes and a body; HEADER comes first and END last:
//
//	u16 type, u16 instance, u32 length     body, length bytes
//
// All integers are little-endian. [Lookup] knows the types, [DecodeHeader],
// [DecodeCPU] and their like take bodies apart, and a [Checker] judges a whole
// context that is written to it in any pieces:
//
//	c := hvm.NewChecker(hvm.Config{Verify: true, OnEntry: func(e hvm.Entry) error {
//		fmt.Println(e.Offset, e.Name(), e.Length)
//		return nil
//	}})
//	_, err := io.Copy(c, record)
//	if err == nil {
//		err = c.Close()
//	}
//
// The package does no input or output and keeps no body. The authoritative
// text is docs/spec/hvm-context.md; every rule that an error reports carries
// the id it has there.
package hvm
