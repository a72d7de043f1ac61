// Package frame is the wire of a domain context: descriptors, headers,
// padding and type names, turned into bytes and back.
//
// It is pure. Every function takes and returns slices and values; nothing
// here reads, writes, waits or keeps a buffer. What happens between entries
// (who may follow whom, what is held, what is paused) belongs to the rooms
// that stand on it, [github.com/ctxpipe/ctxpipe/sink] for saving and
// [github.com/ctxpipe/ctxpipe/source] for loading.
//
// A context is a run of entries. Each entry is a descriptor, a body and zero
// padding up to a multiple of eight bytes. There are two layouts of the same
// idea:
//
//	           descriptor                                   length counts padding   first entry
//	Compact    8 bytes:  u16 type, u16 instance, u32 length   yes                   HEADER
//	Wide       16 bytes: u32 type, u32 instance, u64 length   no                    START
//
// All integers are little-endian. The authoritative description of the bytes
// is docs/spec/domain-context.md; comments here name its sections, and every
// rule that an [Error] can report carries the id it has there.
//
// The package also holds what the formats of all layers share: the [Error]
// type, which says where a stream is bad, and the sentinels that callers
// branch on.
package frame
