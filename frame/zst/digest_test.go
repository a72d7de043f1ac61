package zst

import (
	"bytes"
	"slices"
	"testing"

	"github.com/zeebo/xxh3"
)

// A block of every type, raw ones beside each other, an empty one, and a compressed block, which
// nobody has to decode here.
const (
	itemHeader = "\x28\xb5\x2f\xfd\x24\x20"
	itemRaw    = "\x18\x00\x00" // three bytes
	itemRLE    = "\x1a\x00\x00x"
	itemEmpty  = "\x00\x00\x00"
	itemPacked = "\x24\x00\x00pack"
	itemLast   = "\x19\x00\x00"
	itemSum    = "\xd1\xd2\xd3\xd4"

	itemFrame = itemHeader + itemRaw + "abc" + itemRaw + "def" + itemRLE + itemPacked + itemEmpty + itemLast + "ghi" + itemSum
	itemWire  = itemHeader + itemRaw + itemRaw + itemRLE + itemPacked + itemEmpty + itemLast + itemSum
)

// What counts as wire is all but the contents of raw blocks.
//
// Proves: TR-25
func TestItemLeavesOutWhatIsContent(t *testing.T) {
	for whole, wire := range map[string]string{
		itemFrame: itemWire,
		itemHeader + itemPacked + "\x25\x00\x00last" + itemSum: itemHeader + itemPacked + "\x25\x00\x00last" + itemSum,
		itemHeader + itemLast + "abc" + itemSum:                itemHeader + itemLast + itemSum,
		"no frame":                                             "no frame",
	} {
		want := Item{Size: 17, Content: 4711, Wire: xxh3.HashString(wire)}
		if got := ItemOf([]byte(whole), 17, 4711); got != want {
			t.Errorf("% x: item %+v, want %+v", whole, got, want)
		}
	}
}

// Each bit of a frame that is no content changes what counts as wire, and so does each cut.
//
// Proves: TR-25
func TestItemSeesEveryBit(t *testing.T) {
	var content []int // where raw blocks have theirs
	for _, s := range []string{"abc", "def", "ghi"} {
		at := bytes.Index([]byte(itemFrame), []byte(s))
		content = append(content, at, at+1, at+2)
	}
	good := ItemOf([]byte(itemFrame), 0, 0).Wire
	for at := range len(itemFrame) {
		for bit := range 8 {
			f := []byte(itemFrame)
			f[at] ^= 1 << bit
			if same := ItemOf(f, 0, 0).Wire == good; same != slices.Contains(content, at) {
				t.Errorf("bit %d of byte %d: the same is %v", bit, at, same)
			}
		}
		if ItemOf([]byte(itemFrame[:at]), 0, 0).Wire == good {
			t.Errorf("cut at %d: the same", at)
		}
	}
}
