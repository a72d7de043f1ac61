package hvm

import (
	"fmt"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Limits that hold where a [Config] says nothing else.
const (
	DefaultMaxEntry   = 1 << 20   // bytes of one body
	DefaultMaxEntries = 1 << 16   // entries, END included
	DefaultMaxBytes   = 128 << 20 // the whole context: what libxc takes for one record
	DefaultVCPUs      = 128       // virtual processors: what an HVM guest has at most
)

// MaxBody is the most bytes of a body that a [Checker] ever gathers.
const MaxBody = 64 << 10

// Config says how a [Checker] judges. The zero value checks the load rules
// and tells nobody of the entries.
type Config struct {
	// Verify adds the verify rules (spec §7) to the load rules (spec §6).
	Verify bool
	// OnFinding is told of each broken verify rule, and checking goes on
	// unless it returns an error, which then is the checker's. If it is nil,
	// the first broken verify rule is the checker's error. A broken load rule
	// always is.
	OnFinding func(*frame.Error) error
	// OnEntry is told of each entry, END included, once its body has passed.
	// An error from it stops the checker and is what Write returns.
	OnEntry func(Entry) error
	// Bodies is up to how many bytes a body may have to be given to OnEntry,
	// at most [MaxBody]. Longer bodies pass unheld.
	Bodies int
	// VCPUs is how many virtual processors the guest has; 0 for
	// [DefaultVCPUs].
	VCPUs int
	// MaxEntry, MaxEntries and MaxBytes are the largest body, the number of
	// entries and the largest context; 0 for the defaults.
	MaxEntry   uint32
	MaxEntries int
	MaxBytes   int64
}

func (c *Config) setDefaults() {
	setDefault(&c.VCPUs, DefaultVCPUs)
	setDefault(&c.MaxEntry, DefaultMaxEntry)
	setDefault(&c.MaxEntries, DefaultMaxEntries)
	setDefault(&c.MaxBytes, DefaultMaxBytes)
	c.Bodies = max(0, min(c.Bodies, MaxBody))
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Entry is one entry of a context.
type Entry struct {
	Descriptor
	// Index counts the entries from 0, HEADER.
	Index int
	// Offset is the place of the descriptor in the context.
	Offset int64
	// Body is the whole body, or nil where it is longer than Bodies in
	// [Config]. It is valid during the call only.
	Body []byte
}

// Checker judges an HVM context that is written to it in any pieces; how it
// is cut makes no difference. Its memory is bounded by [MaxBody] whatever the
// lengths say. Errors stay: after the first, every call returns it.
type Checker struct {
	cfg    Config
	err    error
	closed bool
	offset int64 // bytes taken

	state state
	desc  [DescriptorSize]byte
	have  int    // bytes of desc, while it is gathered
	left  uint32 // bytes of the body to come
	body  []byte // its beginning, as far as anyone wants it
	want  int    // how long that is

	cur      Entry      // the entry being read, or the next one
	last     Descriptor // the entry before it
	cpus     int        // CPU entries so far
	trailing bool       // bytes behind END were reported
}

// state is what the next byte belongs to.
type state uint8

const (
	inDescriptor state = iota
	inBody
	behindEnd
)

var _ io.WriteCloser = (*Checker)(nil)

// NewChecker gives a checker for one context.
func NewChecker(cfg Config) *Checker {
	cfg.setDefaults()
	return &Checker{cfg: cfg}
}

// Write takes the next bytes of the context and says how many of them it took
// before it failed. Its own errors are of type *frame.Error, with offsets from the
// start of the context.
func (c *Checker) Write(p []byte) (int, error) {
	if c.closed && c.err == nil {
		c.err = frame.Misuse(RuleCalls, "write to a closed checker")
	}
	n := 0
	for n < len(p) && c.err == nil {
		k, err := c.take(p[n:])
		n += k
		c.offset += int64(k)
		c.err = err
	}
	return n, c.err
}

// Close says whether the context was complete: nil, or what is wrong with
// it. It may be called again and then says the same.
func (c *Checker) Close() error {
	if c.err == nil && c.state != behindEnd {
		c.err = c.cut()
	}
	c.closed = true
	return c.err
}

// Done says whether END has been seen.
func (c *Checker) Done() bool { return c.state == behindEnd }

// Offset gives how many bytes of the context were taken.
func (c *Checker) Offset() int64 { return c.offset }

// Entries gives how many entries have passed, END included.
func (c *Checker) Entries() int { return c.cur.Index }

// take uses up at least one byte of p, which is not empty, and stops at the
// end of what that byte belongs to.
func (c *Checker) take(p []byte) (int, error) {
	switch c.state {
	case inDescriptor:
		return c.takeDescriptor(p)
	case inBody:
		return c.takeBody(p)
	}
	return c.takeBehind(p)
}

func (c *Checker) takeDescriptor(p []byte) (int, error) {
	if c.have == 0 {
		c.cur.Offset = c.offset
	}
	n := copy(c.desc[c.have:], p)
	if c.have += n; c.have < DescriptorSize {
		return n, nil
	}
	c.have = 0
	c.cur.Descriptor = DecodeDescriptor(c.desc[:])
	if err := c.judgeDescriptor(); err != nil {
		return n, err
	}
	c.state, c.left = inBody, c.cur.Length
	c.body, c.want = c.body[:0], c.wanted()
	if c.left > 0 {
		return n, nil
	}
	return n, c.finish()
}

// wanted gives how much of the body has to be gathered.
func (c *Checker) wanted() int {
	n := 0
	if c.cur.Type == HeaderType || c.cfg.Verify {
		n = judged(c.cur.Type)
	}
	if c.cur.Length <= uint32(c.cfg.Bodies) {
		n = c.cfg.Bodies
	}
	return int(min(uint32(n), c.cur.Length))
}

func (c *Checker) takeBody(p []byte) (int, error) {
	p = p[:min(uint32(min(len(p), 1<<31-1)), c.left)]
	c.body = append(c.body, p[:min(len(p), c.want-len(c.body))]...)
	if c.left -= uint32(len(p)); c.left > 0 {
		return len(p), nil
	}
	return len(p), c.finish()
}

// finish ends an entry whose body has passed.
func (c *Checker) finish() error {
	if err := c.judgeBody(); err != nil {
		return err
	}
	if c.cfg.OnEntry != nil {
		e := c.cur
		if e.Length <= uint32(c.cfg.Bodies) {
			e.Body = c.body[:len(c.body):len(c.body)]
		}
		if err := c.cfg.OnEntry(e); err != nil {
			return err
		}
	}
	c.state = inDescriptor
	if c.cur.Type == End {
		c.state = behindEnd
	}
	c.last = c.cur.Descriptor
	c.cur.Index++
	return nil
}

// cut is the error of a context that ends too early.
func (c *Checker) cut() error {
	e := frame.Error{
		Layer: Layer, Offset: c.cur.Offset, Index: c.cur.Index, Rule: RuleTruncated, Err: io.ErrUnexpectedEOF,
	}
	switch {
	case c.state == inBody:
		e.Record, e.What = c.cur.Name(), "body is cut"
		e.Wanted, e.Got = fmt.Sprintf("%d bytes", c.cur.Length), fmt.Sprint(c.cur.Length-c.left)
	case c.have > 0:
		e.What = "descriptor is cut"
		e.Wanted, e.Got = fmt.Sprintf("%d bytes", DescriptorSize), fmt.Sprint(c.have)
	default:
		e.Offset, e.What = c.offset, "context ends without END"
	}
	return &e
}
