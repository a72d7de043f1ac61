package xen

import (
	"strings"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// Kind is the outermost layer of a stream: where walking it begins.
type Kind uint8

const (
	// Opaque is everything that is none of the others.
	Opaque Kind = iota
	// XL is what `xl save` and `xl migrate` write.
	XL
	// Libxl is the same without xl's header.
	Libxl
	// Libxc is what stands inside a libxl stream.
	Libxc
	// DomainContext is a domain context by itself.
	DomainContext
	// HVMContext is an HVM context by itself.
	HVMContext
)

var kindNames = [...]string{"opaque", "xl", "libxl", "libxc", "domain-context", "hvm-context"}

// String gives "opaque", "xl", "libxl", "libxc", "domain-context" or
// "hvm-context".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// RecogniseSize is how many first bytes decide on any kind.
const RecogniseSize = len(xl.Magic)

// The first bytes of a wide START, all of its descriptor, and of an HVM context,
// up to its magic.
const (
	wideStart = "\x01\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00"
	hvmHeader = "\x01\x00\x00\x00\x18\x00\x00\x00\x86\x12\x38\x54"
)

// Recognise tells the kind of a stream by its first bytes (spec §2).
//
// decided says that more bytes would not change the answer. Otherwise first
// is a beginning of something known, k is one kind that it may become, and a
// stream that ends there counts as a cut one; of an empty first nothing can be
// said, and k is Opaque.
func Recognise(first []byte) (k Kind, decided bool) {
	b := string(first[:min(len(first), RecogniseSize)])
	if b == "" {
		return Opaque, false
	}
	for _, m := range [...]struct {
		kind  Kind
		magic string
	}{{XL, xl.Magic}, {Libxl, libxl.Magic}, {Libxc, libxc.Magic}, {DomainContext, wideStart}, {HVMContext, hvmHeader}} {
		switch {
		case strings.HasPrefix(b, m.magic):
			return m.kind, true
		case strings.HasPrefix(m.magic, b):
			k = m.kind
		}
	}
	if compact, partial := beginsCompact(b); compact {
		return DomainContext, !partial
	}
	return k, k == Opaque
}

// beginsCompact recognises the HEADER of a compact domain context: instance 0, any
// length but 0 (else it would be a START), and its magic. partial says that it
// is one as far as it goes.
func beginsCompact(b string) (compact, partial bool) {
	const instance, magic = "\x01\x00\x00\x00", "EVAS" // frame.Magic on the wire
	switch {
	case len(b) < frame.DetectSize: // any length so far
		short := strings.HasPrefix(b, instance) || strings.HasPrefix(instance, b)
		return short, short
	case !strings.HasPrefix(b, instance) || frame.Detect([]byte(b)) != frame.Compact:
		return false, false
	}
	b = b[frame.DetectSize:min(len(b), frame.DetectSize+len(magic))]
	return strings.HasPrefix(magic, b), len(b) < len(magic)
}
