package xen

import (
	"io"
	"math"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Walker walks one stream that is written to it. Errors stay: after the first,
// every call returns it. They are of type *frame.Error, but for misuse, and
// never hold what a page or a body does.
type Walker struct {
	settings
	phase
	place
	off    int64 // of the first byte that was not yet worked on
	err    error
	closed bool

	first [RecogniseSize]byte // what came while the kind is undecided
	kind  Kind

	safeEnd    int64 // what Safe does not pass, or -1
	completeAt int64 // where the stream is complete, or -1
	trailing   trailing

	xl    xlState
	libxl libxlState
	libxc libxcState
	pages pageState
	sub   subState
}

var _ io.WriteCloser = (*Walker)(nil)

// New makes a Walker.
func New(opts ...Option) (*Walker, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	w := &Walker{settings: s, safeEnd: -1, completeAt: -1}
	if s.told == Opaque {
		w.at("stream", "first bytes")
		return w, nil
	}
	return w, w.begin(s.told)
}

// Write takes the next bytes of the stream, and says how many of them it took
// before it failed. Bytes behind a complete stream are taken too.
func (w *Walker) Write(p []byte) (int, error) {
	if w.closed && w.err == nil {
		w.err = frame.Misuse(RuleCalls, "write to a closed walker")
	}
	n := 0
	for n < len(p) && w.err == nil {
		var k int
		k, w.err = w.advance(p[n:])
		n += k
	}
	return n, w.err
}

// Close is the end of the input. It returns nil for a complete stream, and an
// error wrapping io.ErrUnexpectedEOF that says where for a cut one. It may be
// called again and then says the same.
func (w *Walker) Close() error {
	if w.err == nil && !w.closed {
		w.err = w.finish()
	}
	w.closed = true
	return w.err
}

func (w *Walker) finish() error {
	if w.sub.whole() {
		return w.closeContext()
	}
	if w.completeAt < 0 {
		return w.cut()
	}
	return w.closeTrailing()
}

// Offset gives how many bytes were taken.
func (w *Walker) Offset() int64 { return w.off + int64(w.have) }

// Kind gives what the stream is; Opaque as long as that is not decided.
func (w *Walker) Kind() Kind { return w.kind }

// Complete says whether the last END of the stream has passed.
func (w *Walker) Complete() bool { return w.completeAt >= 0 }

// Safe gives an offset: the bytes before it can be handed to a reader of Xen,
// and it will never start a domain because of them, wherever they stop (spec
// §7). It grows with the stream up to where libxc's END begins, and stays there; of
// a context by itself, up to where its END begins. As long as a record's header
// is not complete, it might be that END: then Safe stays in front of it. After
// an error it says no more than it did before.
func (w *Walker) Safe() int64 {
	if w.safeEnd >= 0 {
		return w.safeEnd
	}
	return w.off
}

// Trailing tells what follows the stream so far, and how many bytes it is.
func (w *Walker) Trailing() (Trailing, int64) {
	if w.completeAt < 0 {
		return NothingFollows, 0
	}
	n := w.Offset() - w.completeAt
	switch {
	case n == 0:
		return NothingFollows, 0
	case w.trailing.matched == n && w.trailing.whole():
		return ClearanceFollows, n
	}
	return OtherFollows, n
}

// Skippable gives how many of the next bytes the walker would not look at:
// contents of pages and of records that neither a rule nor the visitor asks
// for. They may go past it by [Walker.Skip], as by splice.
func (w *Walker) Skippable() int64 {
	if w.err != nil || w.closed || !w.blind() {
		return 0
	}
	return w.left
}

// Skip counts n bytes as taken that were not shown to the walker; more than
// [Walker.Skippable] is an error that stays.
func (w *Walker) Skip(n int64) error {
	if w.err != nil {
		return w.err
	}
	if n < 0 || n > w.Skippable() {
		w.err = frame.Misuse(RuleCalls, "skip of %d bytes, where %d can be", n, w.Skippable())
		return w.err
	}
	w.err = w.passed(n)
	return w.err
}

// begin sets out on a stream of that kind.
func (w *Walker) begin(k Kind) error {
	w.kind = k
	switch k {
	case XL:
		w.beginXL()
	case Libxl:
		w.beginLibxl()
	case Libxc:
		w.beginLibxc()
	case DomainContext, HVMContext:
		return w.beginContext(k, math.MaxInt64, nil)
	}
	return nil
}

// recognise gathers first bytes, one by one, until they decide on the kind,
// and walks them.
func (w *Walker) recognise(p []byte) (int, error) {
	for i, b := range p {
		w.first[w.have] = b
		w.have++
		k, decided := Recognise(w.first[:w.have])
		switch {
		case !decided:
			continue
		case k == Opaque:
			return i + 1, w.bad(RuleUnknown, frame.ErrUnsupported, "first bytes", "those of a Xen stream", "something else")
		}
		return i + 1, w.replay(k)
	}
	return len(p), nil
}

// replay walks the first bytes again, now that their kind is known.
func (w *Walker) replay(k Kind) error {
	first := w.first
	b := first[:w.have]
	w.have = 0
	err := w.begin(k)
	for len(b) > 0 && err == nil {
		var n int
		n, err = w.advance(b)
		b = b[n:]
	}
	return err
}
