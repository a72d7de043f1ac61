package zst

import (
	"encoding/binary"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Fields of header and seal, spec §4: type, length, value.
const (
	fieldFixed     = 4 // type, length
	fieldMandatory = 0x8000

	fieldPayload = 0x0001                  // header
	fieldFormat  = 0x0002                  // header
	fieldWire    = 0x0001 | fieldMandatory // header
	fieldLive    = 0x0002 | fieldMandatory // header
	fieldLevels  = 0x0001                  // seal
)

// appendField appends a field.
func appendField[T ~string | ~[]byte](dst []byte, typ uint16, value T) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, typ)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(value)))
	return append(dst, value...)
}

// A known takes the value of a field whose type it knows, and says whether it
// does. The value aliases what was parsed. offset is where the field begins.
type known func(typ uint16, value []byte, offset int) (bool, error)

// parseFields hands the fields to take and gives those that are optional and
// not known, as they stand on the wire. All of them stand together: known
// optional fields have lower types, and mandatory ones higher. offset is where
// the fields begin in the frame.
func parseFields(record string, fields []byte, offset int, take known) (optional []byte, err error) {
	last := uint16(0)
	for rest := fields; len(rest) > 0; {
		at := offset + len(fields) - len(rest)
		if len(rest) < fieldFixed {
			return nil, corrupt(record, "TR-14", at, "fields do not fill the frame")
		}
		typ, size := binary.LittleEndian.Uint16(rest), fieldFixed+int(binary.LittleEndian.Uint16(rest[2:]))
		if size > len(rest) {
			return nil, corrupt(record, "TR-14", at, "fields do not fill the frame")
		}
		if typ <= last {
			return nil, corrupt(record, "TR-14", at, "field types do not rise")
		}
		ok, err := take(typ, rest[fieldFixed:size], at)
		switch {
		case err != nil:
			return nil, err
		case ok:
		case typ&fieldMandatory != 0:
			e := corrupt(record, "TR-15", at, "unknown mandatory field")
			e.Got, e.Err = fmt.Sprintf("%#04x", typ), &FormatError{}
			return nil, e
		default:
			optional = fields[at-offset-len(optional) : at-offset+size]
		}
		last, rest = typ, rest[size:]
	}
	return optional, nil
}

// checkOwnSize says whether the payload of a header or a seal may have size
// bytes. It is asked before the payload is read.
func checkOwnSize(record string, rule frame.Rule, size uint32, least, most int) error {
	if int64(size) < int64(least) {
		return differ(corrupt(record, rule, 4, "size too small"), least, int(size))
	}
	if int64(size) > int64(most) {
		e := differ(corrupt(record, rule, 4, "size too large"), int64(most), int64(size))
		e.Err = frame.ErrTooLarge
		return e
	}
	return nil
}
