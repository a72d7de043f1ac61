package zst

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Layer is the Layer of every [frame.Error] about the transport.
const Layer = "transport"

// The magic numbers of frames, spec §2.
const (
	MagicFrame     = 0xFD2FB528 // an ordinary frame
	MagicOwn       = 0x184D2A5C // header, fast frames and seals
	MagicSeekTable = 0x184D2A5E
)

// SkippableHeaderSize is the size of the magic and size in front of every
// skippable frame's payload.
const SkippableHeaderSize = 8

// IsSkippable says whether magic is one of the sixteen of skippable frames.
func IsSkippable(magic uint32) bool { return magic&^0xF == 0x184D2A50 }

// AppendSkippableHeader appends magic and size of a skippable frame.
func AppendSkippableHeader(dst []byte, magic, size uint32) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, magic)
	return binary.LittleEndian.AppendUint32(dst, size)
}

// ParseSkippableHeader gives magic and payload size of the skippable frame
// that begins at b. It fails with io.ErrUnexpectedEOF if b is shorter than
// [SkippableHeaderSize], and with [frame.ErrCorrupt] if no skippable frame
// begins there.
func ParseSkippableHeader(b []byte) (magic, size uint32, err error) {
	if len(b) < SkippableHeaderSize {
		return 0, 0, short("skippable frame", len(b))
	}
	magic = binary.LittleEndian.Uint32(b)
	if !IsSkippable(magic) {
		return 0, 0, corrupt("skippable frame", "TR-60", 0, "no skippable frame begins here")
	}
	return magic, binary.LittleEndian.Uint32(b[4:]), nil
}

// Every payload of ctxpipe's own frames is mark, fields, check. Spec §3.
const (
	markSize  = 8
	checkSize = 4

	fieldsAt = SkippableHeaderSize + markSize // in the frame

	markHeader = "ctxpipeH"
	markFast   = "ctxpipeF"
	markSeal   = "ctxpipeS"
)

// A Mark tells ctxpipe's own frames apart.
type Mark int

// The marks, spec §3.
const (
	MarkUnknown Mark = iota
	MarkHeader
	MarkFast
	MarkSeal
)

// MarkOf gives the mark of the payload of a frame with [MagicOwn].
func MarkOf(payload []byte) Mark {
	switch {
	case hasMark(payload, markHeader):
		return MarkHeader
	case hasMark(payload, markFast):
		return MarkFast
	case hasMark(payload, markSeal):
		return MarkSeal
	}
	return MarkUnknown
}

func hasMark(payload []byte, mark string) bool {
	return len(payload) >= markSize && string(payload[:markSize]) == mark
}

// begin appends magic, a size to be filled in by finish, and the mark.
func begin(dst []byte, mark string) []byte {
	return append(AppendSkippableHeader(dst, MagicOwn, 0), mark...)
}

// finish appends the check to the frame that begins at dst[at] and fills in
// its size. hash is what the check is the low half of.
func finish(dst []byte, at int) (frame []byte, hash uint64) {
	hash = xxh3.Hash(dst[at+SkippableHeaderSize:])
	dst = binary.LittleEndian.AppendUint32(dst, uint32(hash))
	binary.LittleEndian.PutUint32(dst[at+4:], uint32(len(dst)-at-SkippableHeaderSize))
	return dst, hash
}

// body verifies mark and check of a payload and gives what stands between
// them, and what the check is the low half of.
func body(payload []byte, mark, record string) (b []byte, hash uint64, err error) {
	if !hasMark(payload, mark) {
		return nil, 0, corrupt(record, "TR-5", SkippableHeaderSize, "wrong mark")
	}
	end := len(payload) - checkSize
	if end < markSize {
		return nil, 0, short(record, SkippableHeaderSize+len(payload))
	}
	hash = xxh3.Hash(payload[:end])
	if binary.LittleEndian.Uint32(payload[end:]) != uint32(hash) {
		return nil, 0, corrupt(record, "TR-4", SkippableHeaderSize+end, "check differs")
	}
	return payload[markSize:end], hash, nil
}

// corrupt makes the error for a broken rule.
func corrupt(record string, rule frame.Rule, offset int, what string) *frame.Error {
	return &frame.Error{
		Layer: Layer, Offset: int64(offset), Index: frame.NoIndex, Record: record,
		Rule: rule, What: what, Err: frame.ErrCorrupt,
	}
}

// short makes the error for a frame that is cut after n bytes.
func short(record string, n int) *frame.Error {
	return &frame.Error{
		Layer: Layer, Offset: int64(n), Index: frame.NoIndex, Record: record,
		Rule: "TR-62", What: "input ends inside the frame", Err: io.ErrUnexpectedEOF,
	}
}

// differ adds to an error what was wanted and what was found.
func differ[T any](e *frame.Error, wanted, got T) *frame.Error {
	e.Wanted, e.Got = fmt.Sprint(wanted), fmt.Sprint(got)
	return e
}
