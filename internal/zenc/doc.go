// Package zenc makes the blocks of zstd frames, RFC 8878, from a content that is
// in memory as a whole, as the chunks of a stream are.
//
// It is there because a general encoder for streams does more than that asks
// for: it copies what it takes into a window of its own. And it is made for
// what guests' memory is like. Matches are short and many, so that what each of
// them costs decides; pages of different kinds stand side by side, so that what
// does not compress is passed over quickly, but never so quickly that the next
// page's beginning is missed.
//
// A block is made in two steps. A finder takes the content apart into literals
// and sequences (fast.go, double.go, optimal.go), which are coded while they are found as far as that
// goes without knowing the others (parts.go). Then the literals are packed by
// klauspost's huff0, and the sequences by three FSE tables made for the block
// (literals.go, sequences.go, fse.go).
//
// Loads are not checked against the content's end except where the race detector
// is on (load.go): finders keep a margin instead. Tests run both ways.
package zenc
