package source

import (
	"context"
	stderrors "errors"
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/handler"
)

// Domain is the guest whose context is loaded. A nil Domain stands for state
// that nobody changes meanwhile.
type Domain interface {
	// Current says whether this is the domain that the caller runs in,
	// whose context cannot be loaded.
	Current() bool
	// Pause stops the domain until Unpause. Pauses nest.
	Pause() error
	// Unpause ends the pause that Pause began.
	Unpause() error
}

// LoadFunc loads one entry. It reads what it wants of the body and must end
// the entry; one left open is an error.
type LoadFunc func(e Entry) error

// Registry is a set of load handlers by type. The zero value is empty and
// ready. Registering while a load runs is not allowed; loads may run at once.
type Registry struct {
	table handler.Table[LoadFunc]
}

// Register adds the handler of a type. A nil handler makes the type known
// without a handler. The name is for errors and logs. Reserved types (0 and 1)
// and a type that is registered already are errors wrapping
// [frame.ErrMisuse] (rule DC-30).
func (g *Registry) Register(t frame.Type, name string, load LoadFunc) error {
	return g.table.Add(t, name, load)
}

// Load hands each entry of r to the handler of its type, in the order of the
// stream, while d is paused; the pause is released on every path. It returns
// nil behind END, and r.Consumed tells the size.
//
// Besides what [Reader.Next] returns, an entry of a type that is not
// registered is an error wrapping [frame.ErrUnknownType], or
// [frame.ErrNoHandler] if the type is known (rule DC-43). Handlers that ran
// before an error have had their effect.
func (g *Registry) Load(ctx context.Context, d Domain, r *Reader) error {
	if err := ctx.Err(); err != nil {
		return r.fail(err)
	}
	// A header that is bad is no reason to stop the domain.
	if _, err := r.Header(); err != nil {
		return err
	}
	return handler.Hold(d, func() error {
		return g.each(ctx, r, func(e Entry, load LoadFunc) error { return load(e) })
	})
}

// CheckThenLoad loads a context that can be read twice: it first walks the
// whole of it, so that a context that is cut or breaks a rule, or has an entry
// that no handler takes, is refused before any handler runs and before d is
// paused (rule DC-48). What only a handler can judge is still found while
// loading. The context begins where rs stands, and rs is left behind END.
//
// Use io.NewSectionReader for an io.ReaderAt.
func (g *Registry) CheckThenLoad(ctx context.Context, d Domain, rs io.ReadSeeker, opts ...Option) error {
	if rs == nil {
		return frame.Misuse(frame.RuleCalls, "CheckThenLoad needs a source")
	}
	start, err := rs.Seek(0, io.SeekCurrent)
	if err != nil {
		return errors.Wrap(err, "find the start of the context")
	}
	check, err := NewReader(rs, opts...)
	if err != nil {
		return err
	}
	err = g.each(ctx, check, func(e Entry, _ LoadFunc) error { return e.End(EndIgnore) })
	if err != nil {
		return err
	}
	if _, err := rs.Seek(start, io.SeekStart); err != nil {
		return errors.Wrap(err, "go back to the start of the context")
	}
	return g.Load(ctx, d, &Reader{input: input{r: rs}, settings: check.settings})
}

// each calls f with every entry and its handler.
func (g *Registry) each(ctx context.Context, r *Reader, f func(Entry, LoadFunc) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return r.fail(err)
		}
		e, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := g.dispatch(e, r, f); err != nil {
			return err
		}
	}
}

// dispatch finds the handler of an entry and holds it to the entry.
func (g *Registry) dispatch(e Entry, r *Reader, f func(Entry, LoadFunc) error) error {
	if e.Type.Reserved() {
		return e.End(EndIgnore) // HEADER, START or END, given since WithMarks is set, and checked
	}
	known, ok := g.table.Get(e.Type)
	switch {
	case !ok && e.Type.Name(r.header.Layout) == "":
		return r.fail(r.bad(frame.RuleType, frame.ErrUnknownType, "nobody knows this type", "", ""))
	case !ok || known.Func == nil:
		return r.fail(r.bad(frame.RuleType, frame.ErrNoHandler, "nothing loads this type", "", ""))
	}
	err := f(e, known.Func)
	switch {
	case r.failed() && !errors.Is(err, r.err):
		err = stderrors.Join(r.err, err) // the handler kept to itself what the Reader said
	case err == nil && e.isOpen():
		err = frame.Misuse(frame.RulePosition, "the handler left %s open", e.Name(r.header.Layout))
	}
	if err != nil {
		r.err = errors.Wrapf(err, "load type %d %s", known.Type, known.Name)
		return r.err
	}
	return nil
}
