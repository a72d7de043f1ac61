package source

import (
	"fmt"
	"io"
	"iter"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Reader reads one context.
//
// It takes no byte from its source that does not belong to the context: what
// follows END is there for the next reader. Within the context it reads ahead,
// since behind every entry there must be another descriptor.
type Reader struct {
	input    input
	settings settings
	order    frame.Order

	state   state
	err     error // sticky; io.EOF behind END
	header  frame.Header
	index   int              // of the current entry; HEADER or START is 0
	start   int64            // offset of its descriptor
	current frame.Descriptor // as it is on the wire
	left    uint64           // bytes of its body that were not taken yet
	passed  int              // entries that were ended
}

// state is where a Reader stands between its calls.
type state uint8

const (
	fresh    state = iota // nothing read yet
	atHeader              // HEADER or START was checked, its body not yet passed
	between               // behind an entry
	inEntry
)

// NewReader makes a Reader; it does not read yet.
func NewReader(r io.Reader, opts ...Option) (*Reader, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, frame.Misuse(frame.RuleCalls, "NewReader needs a source")
	}
	return &Reader{input: input{r: r}, settings: s}, nil
}

// Header gives what the first entry says, and reads it if need be.
func (r *Reader) Header() (frame.Header, error) {
	if r.err == nil && r.state == fresh {
		r.readHeader()
	}
	if r.err != nil && r.state == fresh {
		return frame.Header{}, r.err
	}
	return r.header, nil
}

// Consumed gives the bytes of the context that were passed so far: behind END,
// the size of the context.
func (r *Reader) Consumed() int64 { return r.input.off }

// Next gives the next entry. HEADER or START, and END, are checked and passed
// over, unless [WithMarks] asks for them. The entry before must have been
// ended. io.EOF says that END was read and all is well so far.
//
// Errors wrap io.ErrUnexpectedEOF, [frame.ErrCorrupt], [frame.ErrTooLarge],
// [frame.ErrSecondHeader], [frame.ErrUnsupported], [frame.ErrMisuse], or what
// the source returned.
func (r *Reader) Next() (Entry, error) {
	if r.err != nil {
		return Entry{}, r.err
	}
	switch r.state {
	case inEntry:
		return Entry{}, r.fail(frame.Misuse(frame.RulePosition, "Next before the end of %s", r.current.Name(r.header.Layout)))
	case fresh:
		if err := r.readHeader(); err != nil {
			return Entry{}, err
		}
		fallthrough
	case atHeader:
		r.state = inEntry
		if r.settings.marks {
			return r.entry(), nil
		}
		if err := r.entry().End(EndIgnore); err != nil {
			return Entry{}, err
		}
	}
	r.index++
	if err := r.readDescriptor(); err != nil {
		return Entry{}, err
	}
	r.state = inEntry
	if r.current.Type != frame.End {
		return r.entry(), nil
	}
	return r.passEnd()
}

// passEnd checks END's body, which may be zeros, and passes END or gives it.
func (r *Reader) passEnd() (Entry, error) {
	body, err := r.input.peek(int(r.left))
	if err != nil {
		return Entry{}, r.cut(err)
	}
	if !frame.IsZero(body) {
		return Entry{}, r.fail(r.bad(frame.RuleEndBody, frame.ErrCorrupt, "body of END", "nothing, or zeros", "something else"))
	}
	if r.settings.marks {
		return r.entry(), nil
	}
	// What this returns, if anything, sticks, and so does the end.
	_ = r.entry().End(EndIgnore)
	return Entry{}, r.err
}

// All gives the entries as [Reader.Next] does, up to END or the first error,
// which comes last and with no entry. An entry that the loop's body leaves
// open is ended with [EndIgnore]; after a break it is still open.
func (r *Reader) All() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for {
			e, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if !yield(e, nil) {
				return
			}
			if e.isOpen() {
				// What this returns, if anything, sticks and comes from Next.
				_ = e.End(EndIgnore)
			}
		}
	}
}

func (r *Reader) entry() Entry { return Entry{Descriptor: r.current, r: r, index: r.index} }

// readHeader tells the layout and checks HEADER or START without passing its
// body.
func (r *Reader) readHeader() error {
	in := &r.input
	in.certain = frame.DetectSize
	first, err := in.peek(frame.DetectSize)
	if err != nil {
		return r.cutIn("the first descriptor", err)
	}
	l := frame.Detect(first)
	if l == 0 {
		r.current = frame.DecodeDescriptor(first, frame.Compact)
		return r.fail(r.bad(frame.RuleFirst, frame.ErrCorrupt, "the first entry is neither HEADER nor START",
			"type 1", fmt.Sprintf("type %d", r.current.Type)))
	}
	r.header.Layout = l
	in.certain += uint64(l.DescriptorSize() - frame.DetectSize)
	if err := r.readDescriptor(); err != nil {
		return err
	}
	body, err := in.peek(int(r.current.Length))
	if err != nil {
		return r.cut(err)
	}
	h, err := frame.DecodeHeader(r.current, l, body)
	if err != nil {
		return r.fail(r.place(err))
	}
	r.header, r.state = h, atHeader
	return nil
}

// readDescriptor decodes a descriptor and judges it; from then on its body, its
// padding and the descriptor behind it are certain to be there.
func (r *Reader) readDescriptor() error {
	in, l := &r.input, r.header.Layout
	r.start = in.off
	b, err := in.peek(l.DescriptorSize())
	if err != nil {
		return r.cutIn("a descriptor"+r.after(), err)
	}
	r.current = frame.DecodeDescriptor(b, l)
	if err := r.judge(); err != nil {
		return r.fail(err)
	}
	in.take(l.DescriptorSize())
	r.left = r.current.Length
	in.certain += r.needed() - uint64(l.DescriptorSize()) // its own was certain before
	return nil
}

// after names the entry before the one whose descriptor is being read.
func (r *Reader) after() string {
	if r.index == 0 {
		return ""
	}
	return " after " + r.current.Name(r.header.Layout)
}

// fail makes err stick, unless one did before, and returns the one that does.
// The good end of a context is no such error.
func (r *Reader) fail(err error) error {
	if !r.failed() {
		r.err = err
	}
	return r.err
}

func (r *Reader) failed() bool { return r.err != nil && r.err != io.EOF }
