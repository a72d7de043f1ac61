// Package libxl is the wire of a libxl stream, version 2: a header, and records
// around the libxc stream.
//
//	header (16 bytes, big-endian)
//	record*: u32 type, u32 length, body, zeros up to a multiple of 8
//
// Fields of records are little-endian. The libxc stream follows the record
// [LibxcContext], whose own length is 0; it has to be walked to find its end.
//
// It is pure: slices and values. What may follow what, and what is refused, is
// for package github.com/ctxpipe/ctxpipe/source/xen. The authoritative text is
// docs/spec/xen-streams.md §5; comments name its sections.
package libxl
