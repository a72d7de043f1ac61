// Package libxc is the wire of a libxc stream, versions 2 to 4: two headers,
// and records that carry a domain's memory and state.
//
//	image header (24 bytes, big-endian), domain header (16 bytes)
//	record*: u32 type, u32 length, body, zeros up to a multiple of 8
//
// All but the image header is little-endian. [Lookup] knows the types of records,
// [Entries] is the table of a PAGE_DATA record as it lies in the stream, and
// the Parse functions take other bodies apart.
//
// It is pure: slices and values. What may follow what, and what is refused, is
// for package github.com/ctxpipe/ctxpipe/source/xen. The authoritative text is
// docs/spec/xen-streams.md §6; comments name its sections.
package libxc
