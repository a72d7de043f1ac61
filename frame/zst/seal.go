package zst

import (
	"encoding/binary"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
)

// SealSize is the size of a seal frame's payload, SealFrameSize that of the
// whole frame. Spec §7.
const (
	SealSize      = markSize + 40 + checkSize
	SealFrameSize = SkippableHeaderSize + SealSize
)

const flagFinal = 1

// Seal says which data frames stand before it, spec §7.
type Seal struct {
	// Final says that no data follows.
	Final bool
	// Bytes and Frames count the content and the number of data frames.
	Bytes, Frames uint64
	// Digest is over all of them, see [Fold].
	Digest Digest
}

// AppendSeal appends the whole frame.
func AppendSeal(dst []byte, s Seal) []byte {
	at := len(dst)
	dst = begin(dst, markSeal)
	flags := uint32(0)
	if s.Final {
		flags |= flagFinal
	}
	dst = binary.LittleEndian.AppendUint32(dst, flags)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = binary.LittleEndian.AppendUint64(dst, s.Bytes)
	dst = binary.LittleEndian.AppendUint64(dst, s.Frames)
	dst = append(dst, s.Digest[:]...)
	return finish(dst, at)
}

// ParseSeal takes a seal frame's payload apart. Whether the seal is true is
// for [Seal.Verify].
func ParseSeal(payload []byte) (Seal, error) {
	if len(payload) != SealSize {
		return Seal{}, differ(corrupt("seal", "TR-30", 4, "wrong size"), SealSize, len(payload))
	}
	b, err := body(payload, markSeal, "seal")
	if err != nil {
		return Seal{}, err
	}
	flags, reserved := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if flags&^flagFinal != 0 || reserved != 0 {
		return Seal{}, corrupt("seal", "TR-31", markSize, "unknown flags or reserved not 0")
	}
	return Seal{
		Final:  flags&flagFinal != 0,
		Bytes:  binary.LittleEndian.Uint64(b[8:]),
		Frames: binary.LittleEndian.Uint64(b[16:]),
		Digest: Digest(b[24:40]),
	}, nil
}

// Verify compares the seal with the one that has to stand in its place, see
// [Fold.Seal]. Whether it is final is not compared.
func (s Seal) Verify(want Seal) error {
	var e *frame.Error
	switch {
	case s.Frames != want.Frames:
		e = differ(corrupt("seal", "TR-32", 0, "number of data frames differs"), s.Frames, want.Frames)
	case s.Bytes != want.Bytes:
		e = differ(corrupt("seal", "TR-32", 0, "bytes differ"), s.Bytes, want.Bytes)
	case s.Digest != want.Digest:
		e = differ(corrupt("seal", "TR-32", 0, "digest differs"), fmt.Sprintf("%x", s.Digest), fmt.Sprintf("%x", want.Digest))
	default:
		return nil
	}
	return e
}
