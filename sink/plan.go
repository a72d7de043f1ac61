package sink

import (
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Plan is what a dry run learned: layout, Xen version, and the type, instance
// and length of every entry. It is made by [DryRun] and does not change; any
// number of Writers can follow it, one after the other or at once. It takes 16
// bytes per entry.
type Plan struct {
	settings settings
	steps    []step
	size     int64
}

type step struct {
	t        frame.Type
	instance uint32
	length   uint64 // of the body, without padding
}

// Len gives the number of entries, without HEADER or START and END.
func (p *Plan) Len() int { return len(p.steps) }

// Size gives the bytes of the whole context, first byte to last.
func (p *Plan) Size() int64 { return p.size }

// DryRun runs save on a Writer that only counts, and returns what it counted.
// save writes entries as it would to any Writer, but does not call Close. The
// bytes it appends are not looked at; [Writer.Dry] tells save that it need not
// produce them.
func DryRun(save func(w *Writer) error, opts ...Option) (*Plan, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	c := &counting{plan: &Plan{settings: s}}
	w := newWriter(c, s)
	if err := save(w); err != nil {
		return nil, w.fail(err)
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	c.plan.size = c.total
	return c.plan, nil
}

// Dry says whether this is a dry run, in which [Entry.Count] can stand for
// bytes that are costly to produce.
func (w *Writer) Dry() bool {
	_, dry := w.dst.(*counting)
	return dry
}

// Count adds n bytes to the body that are not there, in a dry run. Anywhere
// else it is an error wrapping [frame.ErrMisuse].
func (e Entry) Count(n uint64) error {
	if err := e.usable(); err != nil {
		return err
	}
	if !e.w.Dry() {
		return e.w.fail(frame.Misuse(frame.RuleCalls, "Count outside a dry run"))
	}
	return e.grow(n)
}

// counting is the destination of a dry run.
type counting struct {
	plan  *Plan
	total int64
}

func (c *counting) whole(p []byte) error         { c.total += int64(len(p)); return nil }
func (c *counting) begin(frame.Descriptor) error { return nil }
func (c *counting) append([]byte) error          { return nil }
func (c *counting) handOver([]byte) error        { return nil }
func (c *counting) abort()                       {}
func (c *counting) size() int64                  { return c.total }

func (c *counting) readFrom(r io.Reader, most uint64) (int64, error) {
	n, err := io.Copy(io.Discard, io.LimitReader(r, int64(most)+1))
	if err == nil && uint64(n) > most {
		return n, errOver
	}
	return n, readError(err)
}

func (c *counting) end(d frame.Descriptor, n uint64) error {
	c.plan.steps = append(c.plan.steps, step{d.Type, d.Instance, n})
	l := c.plan.settings.layout
	c.total += int64(l.DescriptorSize()) + int64(n) + int64(frame.Padding(n))
	return nil
}
