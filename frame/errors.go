package frame

import (
	"errors"
	"fmt"
	"strings"
)

// The sentinels that callers branch on. An [Error] wraps exactly one of them,
// or io.ErrUnexpectedEOF where the stream was cut.
var (
	// ErrCorrupt says that the bytes break a rule of their format.
	ErrCorrupt = errors.New("corrupt stream")
	// ErrTooLarge says that a length or a count exceeds a limit, either one
	// of the format or one that the caller set.
	ErrTooLarge = errors.New("limit exceeded")
	// ErrUnknownType says that an entry has a type that the loader was never
	// told about.
	ErrUnknownType = errors.New("unknown type")
	// ErrNoHandler says that an entry has a known type which the loader has
	// no handler for.
	ErrNoHandler = errors.New("no handler for type")
	// ErrSecondHeader says that a HEADER or START stands where an ordinary
	// entry must stand.
	ErrSecondHeader = errors.New("second header")
	// ErrUnsupported says that the stream is well-formed as far as it was
	// read, but needs a newer reader: an unknown version or an unknown
	// mandatory field.
	ErrUnsupported = errors.New("unsupported by this version")
	// ErrMisuse says that the caller, not the stream, is wrong: calls in an
	// order that the package does not allow, or values that do not fit.
	ErrMisuse = errors.New("misuse")
)

// A Rule is the id under which a specification in docs/spec states a rule,
// such as "DC-13".
type Rule string

// NoIndex is the Index of an [Error] that concerns no single entry.
const NoIndex = -1

// Error says what is wrong with a stream and where. It never carries bytes
// of a body, which may be guest memory.
//
// Use errors.Is with the sentinels to branch and errors.As to read the place.
type Error struct {
	// Layer is the format that was being read or written, such as
	// "domain-context" or "transport".
	Layer string
	// Offset is the place of the first byte of the entry or field, in bytes
	// from the start of the layer; of a stream of several layers, from the
	// start of the outermost.
	Offset int64
	// Index counts the entries or frames of the layer from 0, HEADER
	// included; NoIndex where there is none.
	Index int
	// Record names the entry or frame, for a context entry together with
	// its type and instance.
	Record string
	// Rule is the id of the broken rule; empty where no single rule is.
	Rule Rule
	// What says in words what is wrong.
	What string
	// Wanted and Got are the two values that should have agreed; either may
	// be empty.
	Wanted, Got string
	// Err is the sentinel or the cause underneath.
	Err error
}

// Error gives one line: layer, offset, index, record, what, wanted and got,
// rule.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: offset %d", e.Layer, e.Offset)
	if e.Index != NoIndex {
		fmt.Fprintf(&b, ", entry %d", e.Index)
	}
	if e.Record != "" {
		fmt.Fprintf(&b, ", %s", e.Record)
	}
	b.WriteString(": ")
	switch {
	case e.What != "":
		b.WriteString(e.What)
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	}
	if e.Wanted != "" {
		fmt.Fprintf(&b, ": wanted %s", e.Wanted)
	}
	if e.Got != "" {
		fmt.Fprintf(&b, ", got %s", e.Got)
	}
	if e.Rule != "" {
		fmt.Fprintf(&b, " [%s]", e.Rule)
	}
	return b.String()
}

// Unwrap gives the sentinel or cause, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// Misuse makes an error for a caller's slip: it wraps [ErrMisuse] and has no
// place in a stream.
func Misuse(rule Rule, format string, args ...any) error {
	return &misuse{rule: rule, what: fmt.Sprintf(format, args...)}
}

// misuse is a type of its own since it has no offset to report.
type misuse struct {
	rule Rule
	what string
}

func (m *misuse) Error() string { return fmt.Sprintf("%s: %s [%s]", ErrMisuse, m.what, m.rule) }
func (m *misuse) Unwrap() error { return ErrMisuse }
