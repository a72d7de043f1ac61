package sink

import (
	"fmt"
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/vecio"
)

// NewPlanned makes a Writer on any io.Writer, such as a pipe, that follows a
// plan: since every length is known, descriptors go out first and bodies
// stream through. Nothing is held but small pieces and small entries, which leave together, and what
// a large piece has beyond a page of the stream: 64 KiB at the most, until [Writer.Close].
//
// An entry that departs from the plan in type, instance or length is an error
// wrapping [frame.ErrMisuse] (rule DC-29): of a body that is too long nothing
// leaves from the piece on that exceeds the plan; a body that is too short is
// reported by [Entry.End], and entries that are missing by [Writer.Close].
func NewPlanned(dst io.Writer, plan *Plan) (*Writer, error) {
	if dst == nil || plan == nil {
		return nil, frame.Misuse(frame.RuleCalls, "NewPlanned needs a destination and a plan")
	}
	p := &planned{vec: vecio.NewWriter(dst), plan: plan}
	p.pending.out = p.write
	return newWriter(p, plan.settings), nil
}

// planned streams entries whose lengths are known.
type planned struct {
	pending
	vec  *vecio.Writer
	plan *Plan
	next int   // the step that comes next
	sent int64 // bytes written
	done int64 // bytes of complete entries, written or not

	left uint64 // bytes that the open entry's body still lacks
	desc [frame.MaxDescriptorSize]byte
}

func (p *planned) write(bufs [][]byte) error {
	n, err := p.vec.WriteVec(bufs)
	p.sent += n
	if err != nil {
		return errors.Wrapf(err, "write at offset %d", p.sent)
	}
	return nil
}

// whole adds HEADER, or END once the plan is fulfilled; with that all leaves that is pending.
func (p *planned) whole(b []byte) error {
	end := p.done > 0
	if end && p.next < len(p.plan.steps) {
		s := p.plan.steps[p.next]
		return frame.Misuse(frame.RulePlan, "%d planned entries are missing, the first is type %d instance %d",
			len(p.plan.steps)-p.next, s.t, s.instance)
	}
	if err := p.add(b); err != nil {
		return err
	}
	p.complete()
	if !end {
		return nil
	}
	return p.flush()
}

// complete counts what is there at the end of an entry.
func (p *planned) complete() { p.done = p.sent + int64(len(p.buf.B)) }

func (p *planned) begin(d frame.Descriptor) error {
	if p.next == len(p.plan.steps) {
		return frame.Misuse(frame.RulePlan, "type %d instance %d comes after the last planned entry", d.Type, d.Instance)
	}
	s := p.plan.steps[p.next]
	if s.t != d.Type || s.instance != d.Instance {
		return frame.Misuse(frame.RulePlan, "entry %d was planned as type %d instance %d, and is type %d instance %d",
			p.next+1, s.t, s.instance, d.Type, d.Instance)
	}
	p.next++
	p.left = s.length
	l := p.plan.settings.layout
	d.Length = l.StoredLength(s.length)
	if err := d.Put(p.desc[:], l); err != nil {
		return err
	}
	return p.add(p.desc[:l.DescriptorSize()])
}

func (p *planned) append(b []byte) error {
	if uint64(len(b)) > p.left {
		return p.departs(fmt.Sprintf("at least %d more", len(b)))
	}
	p.left -= uint64(len(b))
	if p.fits(len(b)) {
		return p.add(b)
	}
	return p.leaveWithPages(b)
}

// page is what a pipe's room is counted in: 64 KiB that begin inside of a page take one more than
// a pipe has, and whoever writes them has to wait in the middle.
const page = 4 << 10

// leaveWithPages writes what is pending and b up to where the last whole page of the stream ends. What is
// beyond that waits for the next piece.
func (p *planned) leaveWithPages(b []byte) error {
	beyond := int((p.sent + int64(len(p.buf.B)+len(b))) % page)
	whole := b[:max(0, len(b)-beyond)]
	if err := p.leave(whole); err != nil {
		return err
	}
	return p.add(b[len(whole):])
}

func (p *planned) handOver(b []byte) error { return p.append(b) }

func (p *planned) readFrom(r io.Reader, most uint64) (n int64, err error) {
	most = min(most, p.left)
	n, err = p.pending.readFrom(r, most)
	p.left -= uint64(n)
	if err == errOver {
		err = p.departs("more")
	}
	return n, err
}

func (p *planned) end(d frame.Descriptor, n uint64) error {
	if p.left > 0 {
		return p.departs("fewer")
	}
	if err := p.add(padding[:frame.Padding(n)]); err != nil {
		return err
	}
	p.complete()
	return nil
}

// departs is the error for a body whose length is not the planned one.
func (p *planned) departs(got string) error {
	s := p.plan.steps[p.next-1]
	return frame.Misuse(frame.RulePlan, "type %d instance %d was planned with %d bytes, %d of which are missing: got %s",
		s.t, s.instance, s.length, p.left, got)
}

func (p *planned) abort() { p.release() }

func (p *planned) size() int64 { return p.done }
