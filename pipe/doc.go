// Package pipe holds the filters that move a save stream: a [Compressor] over
// an io.Writer and a [Restorer] over an io.Reader.
//
// What a Compressor writes is zstd that any zstd decoder can read, cut into
// independent frames, with a seal at the end that says that all of it is there
// and a digest over it; see docs/spec/transport.md. The seal is written only if
// the payload came to a clean end, so a stream whose producer died is told from
// a complete one for ever; and only if a payload that is a save stream of Xen is
// whole, see [WithCheck].
//
// A Restorer gives io.EOF only after the seal, the seek table and the end of
// the input are verified, and holds back the last chunk of the payload until
// then: a payload that is damaged or cut never leaves it whole. Of a save stream it
// also holds back all that a guest would start by.
//
//	payload -> Compressor -> link or file -> Restorer -> payload
//
// Both have workers, and frames leave in the order of the chunks. They are meant for one goroutine at
// a time, except that Stats may be called from any. Their buffers come from
// pools and go back on Close, which never closes the reader or writer below, and
// after which no goroutine of theirs is left.
//
// [Pass] copies a stream that is not compressed while it checks it. A [ReaderAt] reads any part of a payload that is in a file, and [List] says
// what an input holds without decoding it. Both verify less than a Restorer.
//
// Errors stick. What is wrong with a stream is a *[frame.Error] of the layer
// "transport"; what the caller's own reader or writer said is found by
// errors.Is underneath a text that says on which side and where. No message
// holds bytes of the payload.
package pipe
