// Package xl is the wire of what xl puts in front of a save stream: a header
// of 48 bytes, and the domain's configuration as JSON.
//
//	header (48 bytes) | u32 length, configuration, NUL | libxl stream
//
// It is pure: slices and values. What may follow what, and what is refused, is
// for package github.com/ctxpipe/ctxpipe/source/xen. The authoritative text is
// docs/spec/xen-streams.md §4; comments name its sections.
package xl
