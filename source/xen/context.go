package xen

import (
	"fmt"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source"
)

// context judges a domain context that is written to it in any pieces, by the
// rules of docs/spec/domain-context.md: those of source.Reader, or with strict
// those of source.Verify with CheckBodies. What it gathers of a body is no more
// than those rules look at.
//
//	descriptor -> body -> padding -> descriptor … END -> behind
type context struct {
	strict     bool
	maxEntries int
	finding    func(*frame.Error) // gets broken verify rules; nil to stop at the first
	first      func(frame.Header)
	entry      func(ContextEntry)
	body       func(frame.Descriptor, frame.Layout, []byte) error // strict only

	state  contextState
	err    error
	off    int64
	layout frame.Layout // 0 until 8 bytes have come
	index  int
	start  int64 // of the current descriptor
	cur    frame.Descriptor
	order  frame.Order

	desc  [frame.MaxDescriptorSize]byte
	have  int
	left  uint64 // bytes of the body or the padding to come
	kept  []byte // the beginning of the body
	want  int    // how long that is
	wrong bool   // padding was reported
}

type contextState uint8

const (
	inDescriptor contextState = iota
	inBody
	inPadding
	behindEnd
)

// maxMark is the longest HEADER or END that is put up with, as in package source.
const maxMark = 64 << 10

var _ io.WriteCloser = (*context)(nil)

// Write takes the next bytes.
func (c *context) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) && c.err == nil {
		var k int
		k, c.err = c.advance(p[n:])
		n += k
		c.off += int64(k)
	}
	return n, c.err
}

// Close says whether the context was complete.
func (c *context) Close() error {
	if c.err == nil && c.state != behindEnd {
		c.err = c.cut()
	}
	return c.err
}

// cut is the error of a context that ends too early. A descriptor that is not
// whole has nothing to be named by but the entry before.
func (c *context) cut() error {
	e := c.bad(frame.RuleTruncated, io.ErrUnexpectedEOF, "the context is cut", "more bytes", fmt.Sprintf("its end after %d bytes", c.off))
	if c.state == inDescriptor {
		e.Offset, e.Record = c.off-int64(c.have), "the first descriptor"
		if c.index > 0 {
			e.Record = "a descriptor after " + c.cur.Name(c.layout)
		}
	}
	return e
}

func (c *context) advance(p []byte) (int, error) {
	switch c.state {
	case inDescriptor:
		return c.takeDescriptor(p)
	case inBody:
		return c.takeBody(p)
	case inPadding:
		return c.takePadding(p)
	}
	if c.strict && !c.wrong {
		c.wrong = true
		c.start, c.index = c.off, c.index+1
		e := c.bad(frame.RuleTrailing, frame.ErrCorrupt, "the context is followed by something", "nothing", "more bytes")
		e.Record = "behind " + e.Record
		return len(p), c.find(e)
	}
	return len(p), nil
}

func (c *context) takeDescriptor(p []byte) (int, error) {
	if c.have == 0 {
		c.start = c.off
	}
	want := frame.DetectSize
	if c.layout != 0 {
		want = c.layout.DescriptorSize()
	}
	n := copy(c.desc[c.have:want], p)
	if c.have += n; c.have < want {
		return n, nil
	}
	if c.layout == 0 {
		if c.layout = frame.Detect(c.desc[:]); c.layout == 0 {
			c.cur = frame.DecodeDescriptor(c.desc[:], frame.Compact)
			return n, c.bad(frame.RuleFirst, frame.ErrCorrupt, "the first entry is neither HEADER nor START", "type 1", fmt.Sprintf("type %d", c.cur.Type))
		}
		if c.layout == frame.Wide {
			return n, nil // the other half is to come
		}
	}
	c.have = 0
	c.cur = frame.DecodeDescriptor(c.desc[:], c.layout)
	if err := c.judge(); err != nil {
		return n, err
	}
	c.state, c.left, c.kept, c.want = inBody, c.cur.Length, c.kept[:0], c.wanted()
	if c.left > 0 {
		return n, nil
	}
	return n, c.endBody()
}

// wanted gives how much of the body the rules look at.
func (c *context) wanted() int {
	d := c.cur
	switch {
	case d.Type.Reserved():
		return int(d.Length) // which has been judged
	case c.strict && (d.Type == frame.SharedInfoType || d.Type == frame.TSCInfoType):
		return int(min(d.Length, frame.MaxCheckedBody))
	}
	return 0
}

func (c *context) takeBody(p []byte) (int, error) {
	p = p[:min(uint64(len(p)), c.left)]
	c.kept = append(c.kept, p[:min(len(p), c.want-len(c.kept))]...)
	if c.left -= uint64(len(p)); c.left > 0 {
		return len(p), nil
	}
	return len(p), c.endBody()
}

// endBody judges what was gathered of a body.
func (c *context) endBody() error {
	if err := c.judgeBody(); err != nil {
		return err
	}
	c.state, c.left, c.wrong = inPadding, uint64(c.layout.PaddingAfter(c.cur.Length)), false
	if c.left > 0 {
		return nil
	}
	return c.endEntry()
}

func (c *context) takePadding(p []byte) (int, error) {
	p = p[:min(uint64(len(p)), c.left)]
	if !frame.IsZero(p) {
		return 0, c.bad(frame.RulePadding, frame.ErrCorrupt, "padding", "zero", "something else")
	}
	if c.left -= uint64(len(p)); c.left > 0 {
		return len(p), nil
	}
	return len(p), c.endEntry()
}

func (c *context) endEntry() error {
	c.entry(ContextEntry{Descriptor: c.cur, Layout: c.layout, Index: c.index, Offset: c.start})
	if c.cur.Type == frame.End {
		c.state = behindEnd
		return nil
	}
	c.state = inDescriptor
	c.index++
	return nil
}

// judgeBody applies the rules about the body of the current entry.
func (c *context) judgeBody() error {
	switch {
	case c.index == 0:
		h, err := frame.DecodeHeader(c.cur, c.layout, c.kept)
		if err != nil {
			return c.placed(err)
		}
		c.first(h)
		return nil
	case c.cur.Type == frame.End:
		if !frame.IsZero(c.kept) {
			return c.bad(frame.RuleEndBody, frame.ErrCorrupt, "body of END", "nothing, or zeros", "something else")
		}
		return nil
	case !c.strict:
		return nil
	}
	if err := frame.CheckBody(c.cur, c.layout, c.kept); err != nil {
		return c.find(c.placed(err))
	}
	if err := c.body(c.cur, c.layout, c.kept); err != nil {
		return c.find(c.placed(err))
	}
	return nil
}

// judge decides whether the current descriptor may stand where it does.
func (c *context) judge() error {
	d, l := c.cur, c.layout
	most := min(source.DefaultMaxEntry, l.MaxBody())
	if d.Type.Reserved() {
		most = min(most, maxMark)
	}
	switch {
	case d.Length == l.Unfinished():
		return c.bad(frame.RuleLimit, frame.ErrTooLarge, "the entry was never finished", fmt.Sprintf("a length of at most %d", l.MaxBody()), "the unfinished mark")
	case d.Length > most:
		return c.bad(frame.RuleLimit, frame.ErrTooLarge, "length of the entry", fmt.Sprintf("at most %d", most), fmt.Sprint(d.Length))
	case c.index >= c.maxEntries:
		return c.bad(frame.RuleLimit, frame.ErrTooLarge, "number of entries", fmt.Sprintf("at most %d", c.maxEntries), "more")
	case c.index == 0:
		return c.judgeFirst()
	case d.Type == frame.Start:
		return c.bad(frame.RuleSecondHeader, frame.ErrSecondHeader, "a second first entry", "", "")
	case d.Type == frame.End:
		return c.judgeEnd()
	}
	return c.judgeStrictly()
}

func (c *context) judgeFirst() error {
	want := frame.Header{Layout: c.layout}.Descriptor().Length
	if c.cur.Length == want {
		return nil
	}
	rule := frame.RuleHeaderLength
	if c.layout == frame.Wide {
		rule = frame.RuleStartLength
	}
	e := c.bad(rule, frame.ErrCorrupt, "length of the first entry", fmt.Sprint(want), fmt.Sprint(c.cur.Length))
	if c.layout == frame.Wide {
		return e
	}
	return c.find(e)
}

func (c *context) judgeEnd() error {
	d := c.cur
	switch {
	case d.Instance != 0:
		return c.bad(frame.RuleEndInst, frame.ErrCorrupt, "instance of END", "0", fmt.Sprint(d.Instance))
	case d.Length != 0 && c.layout == frame.Wide:
		return c.bad(frame.RuleEndLength, frame.ErrCorrupt, "length of END", "0", fmt.Sprint(d.Length))
	case d.Length != 0:
		return c.find(c.bad(frame.RuleEndEmpty, frame.ErrCorrupt, "length of END", "0", fmt.Sprint(d.Length)))
	}
	return nil
}

func (c *context) judgeStrictly() error {
	if !c.strict {
		return nil
	}
	if c.layout == frame.Compact && frame.Padding(c.cur.Length) != 0 {
		if err := c.find(c.bad(frame.RuleAligned, frame.ErrCorrupt, "length of the entry", "a multiple of 8", fmt.Sprint(c.cur.Length))); err != nil {
			return err
		}
	}
	if rule, what := c.order.Next(c.cur); rule != "" {
		return c.find(c.bad(rule, frame.ErrCorrupt, what, "", ""))
	}
	return nil
}

// find reports a broken verify rule, and returns what stops the check because
// of it.
func (c *context) find(e *frame.Error) error {
	switch {
	case !c.strict:
		return nil
	case c.finding != nil:
		c.finding(e)
		return nil
	}
	return e
}

func (c *context) bad(rule frame.Rule, sentinel error, what, wanted, got string) *frame.Error {
	return &frame.Error{
		Layer: frame.Layer, Offset: c.start, Index: c.index, Record: c.cur.Name(max(c.layout, frame.Compact)), Rule: rule,
		What: what, Wanted: wanted, Got: got, Err: sentinel,
	}
}

// placed adds the place to an error of package frame, which knows none.
func (c *context) placed(err error) *frame.Error {
	e, ok := err.(*frame.Error)
	if !ok {
		return c.bad("", err, err.Error(), "", "")
	}
	placed := *e
	placed.Offset, placed.Index = c.start, c.index
	return &placed
}
