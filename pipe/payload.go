package pipe

import (
	"bytes"

	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// recogniseSize is the number of first bytes that recognise has to see.
const recogniseSize = 32

// recognise tells the kind of a payload by its first bytes, spec §14. It gives
// PayloadOpaque for everything that it does not know.
func recognise(b []byte) zst.Payload {
	switch {
	case begins(b, "Xen saved domain, xl format\n \x00 \r"):
		return zst.PayloadXL
	case begins(b, "LibxlFmt"):
		return zst.PayloadLibxl
	case begins(b, "\xff\xff\xff\xff\xff\xff\xff\xffXENF"):
		return zst.PayloadLibxc
	case isCompact(b), begins(b, "\x01\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00"):
		return zst.PayloadDomainContext
	}
	return zst.PayloadOpaque
}

// isCompact recognises the compact layout of a domain context: a HEADER whose
// length is not 0 (else it would be a START), and HEADER's magic.
func isCompact(b []byte) bool {
	return begins(b, "\x01\x00\x00\x00") && len(b) >= 12 &&
		!begins(b[4:], "\x00\x00\x00\x00") && begins(b[8:], "EVAS")
}

func begins(b []byte, prefix string) bool { return bytes.HasPrefix(b, []byte(prefix)) }
