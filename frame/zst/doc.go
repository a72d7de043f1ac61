// Package zst is the wire of the transport: which zstd frames a sealed stream
// is made of, turned into bytes and back.
//
// It is pure. Every function takes and returns slices and values; nothing
// here reads, writes, compresses or keeps a buffer. The filters that do are in
// [github.com/ctxpipe/ctxpipe/pipe].
//
// A stream is, in order:
//
//	header       skippable frame, mark ctxpipeH   [Header]
//	data frames  ordinary frames, one chunk each  [CheckData], [Walker], [Elider]
//	final seal   skippable frame, mark ctxpipeS   [Seal], [Fold]
//	seek table   skippable frame of the zstd seekable format   [Table], [TableFold]
//
// On the wire [WireCtxpipe] a lock follows the header ([AppendLock]), and data
// may stand in skippable frames with the mark ctxpipeF too ([Fast]).
//
// Any zstd decoder gives the payload of a stream on [WireZstd]; only the seal says that
// all of it is there. The authoritative description of the bytes is
// docs/spec/transport.md; comments here name its sections.
//
// Functions come in pairs. Append… appends a whole frame to a slice and
// returns it, as append does, without allocating if there is room. Parse…
// takes a frame's payload (what stands behind magic and size) and believes
// nothing of it before its check is right. Their errors are *[frame.Error]
// of the layer "transport" whose Offset counts from the start of the frame, also
// where the payload alone was handed in; what knows the place of the frame in the
// stream adds it.
package zst
