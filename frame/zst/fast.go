package zst

import (
	"encoding/binary"
	"fmt"
)

// lock is the whole frame, spec §5.2: single segment, a dictionary id of four
// bytes, content size 0, and an empty raw block that is the last.
const lock = "\x28\xb5\x2f\xfd\x23ctxp\x00\x01\x00\x00"

// LockSize is the size of a lock, which is a whole frame.
const LockSize = len(lock)

// AppendLock appends the lock that follows the header of [WireCtxpipe].
func AppendLock(dst []byte) []byte { return append(dst, lock...) }

// CheckLock says whether b begins with a lock. b has to have [LockSize] bytes
// or more.
func CheckLock(b []byte) error {
	if string(b[:LockSize]) != lock {
		return corrupt("lock", "TR-29", 0, "is another frame")
	}
	return nil
}

// fastFixed is what stands between the mark of a fast frame and its S2 block.
const fastFixed = 24

// FastBlockOffset is where the S2 block of a fast frame begins in its payload.
const FastBlockOffset = markSize + fastFixed

// Fast says what a fast frame holds, spec §5.1.
type Fast struct {
	Content uint32 // bytes of the content
	Digest  Digest // of the content
	Block   []byte // the S2 block; aliases what was parsed
	Wire    uint64 // hash of the payload, of which the check is the low half
}

// BeginFast appends what stands before the S2 block of a fast frame. The caller
// appends the block, and finishes with [FinishFast].
func BeginFast(dst []byte, content uint32, d Digest) []byte {
	dst = begin(dst, markFast)
	dst = binary.LittleEndian.AppendUint32(dst, content)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	return append(dst, d[:]...)
}

// FinishFast appends what stands behind the S2 block of the fast frame that
// begins at dst[at], and gives what the frame holds.
func FinishFast(dst []byte, at int) ([]byte, Fast) {
	dst, hash := finish(dst, at)
	return dst, fastOf(dst[at+fieldsAt:len(dst)-checkSize], hash)
}

// fastOf gives what a fast frame holds by what stands between its mark and its check.
func fastOf(b []byte, hash uint64) Fast {
	f := peekFast(b)
	f.Block, f.Wire = b[fastFixed:], hash
	return f
}

// peekFast gives what stands before the S2 block.
func peekFast(b []byte) Fast {
	return Fast{Content: binary.LittleEndian.Uint32(b), Digest: Digest(b[8:fastFixed])}
}

// CheckFast says whether a fast frame may stand in a stream with this chunk,
// by the size of its payload and the first [FastBlockOffset] bytes of it. It is
// asked before the payload is read, and believes nothing but sizes.
func CheckFast(size uint32, payload []byte, chunk uint32) error {
	content := binary.LittleEndian.Uint32(payload[markSize:])
	switch {
	case content < 1 || content > chunk:
		return differ(corrupt("fast frame", "TR-27", fieldsAt, "content out of range"), fmt.Sprintf("1 to %d", chunk), fmt.Sprint(content))
	case size < FastBlockOffset+1+checkSize:
		return corrupt("fast frame", "TR-27", 4, "frame too small")
	case int64(size)+SkippableHeaderSize > int64(MaxFrameSize(int(content))):
		return corrupt("fast frame", "TR-27", 4, "frame too large for its content")
	}
	return nil
}

// PeekFast gives what the first [FastBlockOffset] bytes of a fast frame's payload
// say, for listings: the check is not verified, and Block and Wire are missing.
func PeekFast(payload []byte) Fast { return peekFast(payload[markSize:FastBlockOffset]) }

// ParseFast takes the payload of a fast frame apart, whose size and beginning
// [CheckFast] has accepted. Whether the block decodes to the content is for the
// caller.
func ParseFast(payload []byte) (Fast, error) {
	b, hash, err := body(payload, markFast, "fast frame")
	if err != nil {
		return Fast{}, err
	}
	if len(b) < fastFixed {
		return Fast{}, short("fast frame", SkippableHeaderSize+len(payload))
	}
	if binary.LittleEndian.Uint32(b[4:]) != 0 {
		return Fast{}, corrupt("fast frame", "TR-27", fieldsAt+4, "reserved is not 0")
	}
	return fastOf(b, hash), nil
}
