package hvm

import (
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
)

// bad makes the error for a rule that the current entry breaks.
func (c *Checker) bad(rule frame.Rule, sentinel error, what string, wanted, got any) *frame.Error {
	e := &frame.Error{
		Layer: Layer, Offset: c.cur.Offset, Index: c.cur.Index, Record: c.cur.Name(), Rule: rule,
		What: what, Wanted: fmt.Sprint(wanted), Got: fmt.Sprint(got), Err: sentinel,
	}
	if c.state == behindEnd { // the entry is still END, but the place is not
		e.Offset, e.Index = c.offset, c.cur.Index-1
	}
	return e
}

// find reports that the current entry breaks a verify rule, and returns what
// stops the checker because of it.
func (c *Checker) find(rule frame.Rule, what string, wanted, got any) error {
	sentinel := frame.ErrCorrupt
	if rule == RuleType {
		sentinel = frame.ErrUnknownType
	}
	e := c.bad(rule, sentinel, what, wanted, got)
	if c.cfg.OnFinding == nil {
		return e
	}
	return c.cfg.OnFinding(e)
}

// judgeDescriptor applies the rules that concern a descriptor and its place
// among the others: limits, then load rules, then verify rules.
func (c *Checker) judgeDescriptor() error {
	for _, judge := range []func() error{c.judgePlace, c.judgeLimits, c.judgeShape, c.verifyType, c.verifyOrder} {
		if err := judge(); err != nil {
			return err
		}
	}
	if c.cur.Type == CPUType {
		c.cpus++
	}
	return nil
}

// judgePlace holds HEADER at the front and nowhere else.
func (c *Checker) judgePlace() error {
	header := c.cur.Type == HeaderType
	switch first := c.cur.Index == 0; {
	case first && !header:
		return c.bad(RuleFirst, frame.ErrCorrupt, "first entry", "HEADER", c.cur.Name())
	case !first && header:
		return c.bad(RuleSecond, frame.ErrSecondHeader, "type behind the first entry", "anything but HEADER", "HEADER")
	case header && c.cur.Length != HeaderSize:
		return c.bad(RuleFirst, frame.ErrCorrupt, "length of HEADER", HeaderSize, c.cur.Length)
	case header && c.cur.Instance != 0:
		return c.bad(RuleFirst, frame.ErrCorrupt, "instance of HEADER", 0, c.cur.Instance)
	}
	return nil
}

// judgeLimits comes before anything is kept on a length's account.
func (c *Checker) judgeLimits() error {
	end := c.cur.Offset + DescriptorSize + int64(c.cur.Length)
	switch {
	case c.cur.Length > c.cfg.MaxEntry:
		return c.bad(RuleLimit, frame.ErrTooLarge, "length of an entry", fmt.Sprintf("at most %d", c.cfg.MaxEntry), c.cur.Length)
	case end > c.cfg.MaxBytes:
		return c.bad(RuleLimit, frame.ErrTooLarge, "length of the context", fmt.Sprintf("at most %d", c.cfg.MaxBytes), end)
	case c.cur.Index >= c.cfg.MaxEntries:
		return c.bad(RuleLimit, frame.ErrTooLarge, "number of entries", fmt.Sprintf("at most %d", c.cfg.MaxEntries), c.cur.Index+1)
	}
	return nil
}

// judgeShape refuses what no reader can take, or what nobody but damage makes.
func (c *Checker) judgeShape() error {
	if c.cur.Type == End {
		if c.cur.Length != 0 || c.cur.Instance != 0 {
			return c.bad(RuleEndEmpty, frame.ErrCorrupt, "length and instance of END", "0 and 0",
				fmt.Sprintf("%d and %d", c.cur.Length, c.cur.Instance))
		}
		return nil
	}
	if info, known := Lookup(c.cur.Type); known && info.TooShort(c.cur.Length) {
		return c.bad(RuleTooShort, frame.ErrCorrupt, "length", fmt.Sprintf("at least %d", info.Size), c.cur.Length)
	}
	return nil
}

// verifyType holds type, length and instance against the table of types.
func (c *Checker) verifyType() error {
	if !c.cfg.Verify {
		return nil
	}
	info, known := Lookup(c.cur.Type)
	if !known {
		return c.find(RuleType, "type", fmt.Sprintf("at most %d", len(infos)-1), uint16(c.cur.Type))
	}
	if !info.Written(c.cur.Length) {
		if err := c.find(RuleSize, "length", info.lengths(), c.cur.Length); err != nil {
			return err
		}
	}
	instances := int(info.Instances)
	if info.PerVCPU {
		instances = c.cfg.VCPUs
	}
	if int(c.cur.Instance) >= instances {
		return c.find(RuleInstance, "instance", fmt.Sprintf("below %d", instances), c.cur.Instance)
	}
	return nil
}

// verifyOrder holds type and instance against the entry before. Both ascend,
// so that nothing need be remembered to find a repeat.
func (c *Checker) verifyOrder() error {
	if !c.cfg.Verify {
		return nil
	}
	if c.cur.Type == End {
		if c.cpus == 0 {
			return c.find(RuleNoCPU, "number of CPU entries", "at least 1", 0)
		}
		return nil
	}
	switch d, last := c.cur.Descriptor, c.last; {
	case c.cur.Index == 0:
	case d.Type == last.Type && d.Instance == last.Instance:
		return c.find(RuleRepeat, "type and instance", "another than before", "the same")
	case d.Type < last.Type, d.Type == last.Type && d.Instance < last.Instance:
		return c.find(RuleOrder, "type and instance", "to follow "+last.Name(), d.Name())
	}
	return nil
}

// takeBehind looks at what follows END. A loader would ignore it; but what
// is not zero there is how an entry looks whose type was damaged to 0.
func (c *Checker) takeBehind(p []byte) (int, error) {
	if c.cfg.Verify && !c.trailing {
		c.trailing = true
		if err := c.find(RuleTrailing, "behind END", "nothing", "more bytes"); err != nil {
			return 0, err
		}
	}
	room := c.cfg.MaxBytes - c.offset
	if room <= 0 {
		return 0, c.bad(RuleLimit, frame.ErrTooLarge, "length of the context", fmt.Sprintf("at most %d", c.cfg.MaxBytes), "more")
	}
	p = p[:min(int64(len(p)), room)]
	for i, b := range p {
		if b != 0 {
			e := c.bad(RuleBehindEnd, frame.ErrCorrupt, "bytes behind END", "zero", "something else")
			e.Offset = c.offset + int64(i)
			return i, e
		}
	}
	return len(p), nil
}
