package libxl

import (
	"encoding/binary"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Type is the type of a record (spec §5.2).
type Type uint32

// The types of records. None above is defined; those with [Optional] set
// are set aside for records that could be ignored, but no reader of Xen does.
const (
	End                  Type = 0
	LibxcContext         Type = 1
	EmulatorXenstoreData Type = 2
	EmulatorContext      Type = 3
	CheckpointEnd        Type = 4
	CheckpointState      Type = 5

	Optional Type = 1 << 31
)

var names = [...]string{
	End:                  "END",
	LibxcContext:         "LIBXC_CONTEXT",
	EmulatorXenstoreData: "EMULATOR_XENSTORE_DATA",
	EmulatorContext:      "EMULATOR_CONTEXT",
	CheckpointEnd:        "CHECKPOINT_END",
	CheckpointState:      "CHECKPOINT_STATE",
}

// Name gives the type's name as Xen spells it, or "" for one without.
func (t Type) Name() string {
	if int64(t) < int64(len(names)) {
		return names[t]
	}
	return ""
}

// RecordHeaderSize is the size of a [RecordHeader] on the wire.
const RecordHeaderSize = 8

// RecordHeader begins a record: type u32 at 0, length u32 at 4. The length
// excludes the padding.
type RecordHeader struct {
	Type   Type
	Length uint32
}

// Append appends the encoded header, [RecordHeaderSize] bytes, to dst.
func (r RecordHeader) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(r.Type))
	return binary.LittleEndian.AppendUint32(dst, r.Length)
}

// ParseRecordHeader reads the header of a record at the start of b. It returns an
// error wrapping io.ErrUnexpectedEOF if b is too short; any bytes decode.
func ParseRecordHeader(b []byte) (RecordHeader, error) {
	if len(b) < RecordHeaderSize {
		return RecordHeader{}, short("record header", RecordHeaderSize, len(b))
	}
	le := binary.LittleEndian
	return RecordHeader{Type(le.Uint32(b)), le.Uint32(b[4:])}, nil
}

// AppendRecord appends a whole record with its padding to dst.
func AppendRecord(dst []byte, t Type, body []byte) []byte {
	dst = RecordHeader{t, uint32(len(body))}.Append(dst)
	dst = append(dst, body...)
	return append(dst, make([]byte, frame.Padding(uint64(len(body))))...)
}

// Emulators, as [Emulator] names them.
const (
	EmulatorUnknown         uint32 = 0
	EmulatorQEMUTraditional uint32 = 1
	EmulatorQEMU            uint32 = 2
)

// EmulatorSize is the size of an [Emulator] on the wire.
const EmulatorSize = 8

// Emulator begins the body of [EmulatorXenstoreData] and [EmulatorContext]
// (spec §5.3): id u32 at 0, index u32 at 4.
type Emulator struct {
	ID    uint32
	Index uint32 // of several emulators; 0 in all streams so far
}

// Append appends the encoded value, [EmulatorSize] bytes, to dst.
func (e Emulator) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, e.ID)
	return binary.LittleEndian.AppendUint32(dst, e.Index)
}

// ParseEmulator reads the start of an emulator record's body. It returns an error
// wrapping io.ErrUnexpectedEOF if b is too short.
func ParseEmulator(b []byte) (Emulator, error) {
	if len(b) < EmulatorSize {
		return Emulator{}, short("emulator record", EmulatorSize, len(b))
	}
	le := binary.LittleEndian
	return Emulator{le.Uint32(b), le.Uint32(b[4:])}, nil
}
