package zst

import (
	"encoding/binary"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
)

// What the payload of a seal frame may be, spec §7.
const (
	sealFixed   = 40
	minSealSize = markSize + sealFixed + checkSize
	maxSealSize = 64 << 10

	flagFinal = 1
)

// MaxLevels is the most levels that a seal may count.
const MaxLevels = 32

// Seal says which data frames stand before it, spec §7.
type Seal struct {
	// Final says that no data follows.
	Final bool
	// Bytes and Frames count the content and the number of data frames.
	Bytes, Frames uint64
	// Digest is over all of them, see [Fold].
	Digest Digest
	// Levels counts the data frames by level, spec §7; nil if the writer does
	// not say. Package pipe has the names.
	Levels []uint64
	// Optional holds the optional fields that this version does not know, as
	// they stand on the wire. It aliases what was parsed.
	Optional []byte
}

// AppendSeal appends the whole frame. s has to be valid: at most [MaxLevels]
// levels whose sum is Frames, Optional empty or taken from a parsed seal.
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
	if s.Levels != nil {
		dst = binary.LittleEndian.AppendUint16(dst, fieldLevels)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(8*len(s.Levels)))
		for _, n := range s.Levels {
			dst = binary.LittleEndian.AppendUint64(dst, n)
		}
	}
	dst = append(dst, s.Optional...)
	dst, _ = finish(dst, at)
	return dst
}

// CheckSealSize says whether a seal frame's payload may have size bytes. It is
// asked before the payload is read.
func CheckSealSize(size uint32) error {
	return checkOwnSize("seal", "TR-30", size, minSealSize, maxSealSize)
}

// ParseSeal takes a seal frame's payload apart. Whether the seal is true is
// for [Seal.Verify].
func ParseSeal(payload []byte) (Seal, error) {
	if err := CheckSealSize(uint32(min(len(payload), maxSealSize+1))); err != nil {
		return Seal{}, err
	}
	b, _, err := body(payload, markSeal, "seal")
	if err != nil {
		return Seal{}, err
	}
	flags, reserved := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if flags&^flagFinal != 0 || reserved != 0 {
		return Seal{}, corrupt("seal", "TR-31", fieldsAt, "unknown flags or reserved not 0")
	}
	s := Seal{
		Final:  flags&flagFinal != 0,
		Bytes:  binary.LittleEndian.Uint64(b[8:]),
		Frames: binary.LittleEndian.Uint64(b[16:]),
		Digest: Digest(b[24:40]),
	}
	s.Optional, err = parseFields("seal", b[sealFixed:], fieldsAt+sealFixed, s.take)
	if err != nil {
		return Seal{}, outdated(err, 0)
	}
	return s, nil
}

// take fills in what a known field says.
func (s *Seal) take(typ uint16, value []byte, offset int) (bool, error) {
	if typ != fieldLevels {
		return false, nil
	}
	if len(value)%8 != 0 || len(value) == 0 || len(value) > 8*MaxLevels {
		return true, corrupt("seal", "TR-35", offset, "levels have a wrong size")
	}
	left := s.Frames
	for ; len(value) > 0; value = value[8:] {
		n := binary.LittleEndian.Uint64(value)
		if n > left {
			return true, corrupt("seal", "TR-35", offset, "levels count more frames than there are")
		}
		left -= n
		s.Levels = append(s.Levels, n)
	}
	if left != 0 {
		return true, corrupt("seal", "TR-35", offset, "levels count fewer frames than there are")
	}
	return true, nil
}

// Verify compares the seal with the one that has to stand in its place, see
// [Fold.Seal]. Whether it is final is not compared, nor what its fields say.
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
