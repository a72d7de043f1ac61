package zst

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// Digest is a 128-bit hash as it stands on the wire: XXH3-128, low half
// first. Spec §6.
type Digest [16]byte

// DigestOf gives the digest of b.
func DigestOf(b []byte) Digest { return digest(xxh3.Hash128(b)) }

func digest(u xxh3.Uint128) (d Digest) {
	binary.LittleEndian.PutUint64(d[:8], u.Lo)
	binary.LittleEndian.PutUint64(d[8:], u.Hi)
	return d
}

// low32 gives the low 32 bits of the hash.
func (d Digest) low32() uint32 { return binary.LittleEndian.Uint32(d[:]) }

// Item is what one data frame gives to the digest of its stream, spec §6.
type Item struct {
	Size    int    // of the content, in bytes
	Content Digest // of the content
	Wire    uint64 // XXH3-64 of the whole frame as it is on the wire
}

// ItemOf gives the item of a data frame with that content.
func ItemOf(wholeFrame, content []byte) Item {
	return ItemWith(wholeFrame, len(content), DigestOf(content))
}

// ItemWith gives the item of a data frame whose content has so many bytes and
// that digest.
func ItemWith(wholeFrame []byte, size int, content Digest) Item {
	return Item{Size: size, Content: content, Wire: xxh3.Hash(wholeFrame)}
}

// Fold takes the data frames of a stream in order and knows at any time what
// a seal has to say about them. The zero value has seen none.
//
// The items may be made anywhere, in any order; only folding them is
// sequential, and costs next to nothing.
type Fold struct {
	hash   xxh3.Hasher
	bytes  uint64
	frames uint64
	item   [32]byte // here and not on the stack, where it would escape
}

// Add takes the next data frame.
func (f *Fold) Add(i Item) {
	f.bytes += uint64(i.Size)
	f.frames++
	binary.LittleEndian.PutUint64(f.item[0:], uint64(i.Size))
	copy(f.item[8:], i.Content[:])
	binary.LittleEndian.PutUint64(f.item[24:], i.Wire)
	f.hash.Write(f.item[:])
}

// Seal gives the seal that has to stand here.
func (f *Fold) Seal(final bool) Seal {
	return Seal{Final: final, Bytes: f.bytes, Frames: f.frames, Digest: digest(f.hash.Sum128())}
}
