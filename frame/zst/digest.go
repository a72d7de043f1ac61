package zst

import (
	"encoding/binary"
	"sync"

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

// low64 gives the low half of the hash, and low32 that of it.
func (d Digest) low64() uint64 { return binary.LittleEndian.Uint64(d[:]) }
func (d Digest) low32() uint32 { return uint32(d.low64()) }

// Item is what one data frame gives to the digest of its stream, spec §6.
type Item struct {
	Size    int    // of the content, in bytes
	Content uint64 // hash of the content, taken on this side of the codec
	Wire    uint64 // hash of the frame as it is on the wire
}

// itemSize is the size of an item in what the digest is over.
const itemSize = 24

// ItemOf gives the item of a whole ordinary frame, whose content has so many bytes and
// that [ContentHash].
func ItemOf(wholeFrame []byte, size int, hash uint64) Item {
	return Item{Size: size, Content: hash, Wire: wireHash(wholeFrame)}
}

// Item gives the item of the fast frame.
func (f Fast) Item() Item {
	return Item{Size: int(f.Content), Content: f.Digest.low64(), Wire: f.Wire}
}

// hashers keeps what hashes bytes that are not in one piece.
var hashers = sync.Pool{New: func() any { return new(xxh3.Hasher) }}

// wireHash hashes a whole ordinary frame without the contents of its raw blocks.
func wireHash(whole []byte) uint64 {
	hash := hashers.Get().(*xxh3.Hasher)
	defer hashers.Put(hash)
	hash.Reset()
	var w Walker
	from := 0
	for block := 0; w.stepIn(whole); block = int(w.Pos()) {
		if w.raw > 0 {
			content := block + blockHeaderSize
			hash.Write(whole[from:content])
			from = min(content+w.raw, len(whole))
		}
	}
	hash.Write(whole[from:])
	return hash.Sum64()
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
	item   [itemSize]byte // here and not on the stack, where it would escape
}

// Add takes the next data frame.
func (f *Fold) Add(i Item) {
	f.bytes += uint64(i.Size)
	f.frames++
	binary.LittleEndian.PutUint64(f.item[0:], uint64(i.Size))
	binary.LittleEndian.PutUint64(f.item[8:], i.Content)
	binary.LittleEndian.PutUint64(f.item[16:], i.Wire)
	f.hash.Write(f.item[:])
}

// Seal gives the seal that has to stand here.
func (f *Fold) Seal(final bool) Seal {
	return Seal{Final: final, Bytes: f.bytes, Frames: f.frames, Digest: digest(f.hash.Sum128())}
}
