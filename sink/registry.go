package sink

import (
	"context"
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/handler"
)

// Domain is the guest whose context is saved. A nil Domain stands for state
// that nobody changes meanwhile.
type Domain interface {
	// Current says whether this is the domain that the caller runs in,
	// whose context cannot be saved.
	Current() bool
	// Pause stops the domain until Unpause. Pauses nest.
	Pause() error
	// Unpause ends the pause that Pause began.
	Unpause() error
}

// SaveFunc saves all instances of one type: for each, Begin, any number of
// appends, End; or the shortcut [Writer.Entry]. It may find nothing to save.
// It does not call Close, and ends every entry it begins. It runs more than
// once where there is a dry run, and must then write the same lengths.
type SaveFunc func(w *Writer) error

// Registry is a set of save handlers by type. The zero value is empty and
// ready. Registering while a save runs is not allowed; saves may run at once.
type Registry struct {
	table handler.Table[SaveFunc]
}

// Register adds the handler of a type. The name is for errors and logs.
// Reserved types (0 and 1), a type that has a handler, and a nil handler are
// errors wrapping [frame.ErrMisuse] (rule DC-30).
func (r *Registry) Register(t frame.Type, name string, save SaveFunc) error {
	if save == nil {
		return frame.Misuse(frame.RuleReserved, "type %d %s has no handler", t, name)
	}
	return r.table.Add(t, name, save)
}

// Save writes a whole context: it runs the handlers in order of type while d
// is paused, releases it, and closes w. w must be new. On any error, of a
// handler, of w, of the pause or because ctx is done, END is not written and w
// is of no further use; the pause is released all the same.
func (r *Registry) Save(ctx context.Context, d Domain, w *Writer) error {
	if err := handler.Hold(d, func() error { return r.run(ctx, w) }); err != nil {
		return w.fail(err)
	}
	return w.Close()
}

// DryRun runs the handlers in the same way, but only to learn the lengths.
func (r *Registry) DryRun(ctx context.Context, d Domain, opts ...Option) (*Plan, error) {
	var plan *Plan
	err := handler.Hold(d, func() (err error) {
		plan, err = DryRun(func(w *Writer) error { return r.run(ctx, w) }, opts...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return plan, nil
}

// SaveTo writes a whole context of any size to dst, such as a pipe, holding
// nothing: a dry run and a planned save under one pause. It leaves dst open.
func (r *Registry) SaveTo(ctx context.Context, d Domain, dst io.Writer, opts ...Option) error {
	var w *Writer
	err := handler.Hold(d, func() error {
		plan, err := DryRun(func(w *Writer) error { return r.run(ctx, w) }, opts...)
		if err != nil {
			return err
		}
		if w, err = NewPlanned(dst, plan); err != nil {
			return err
		}
		return r.run(ctx, w)
	})
	switch {
	case w == nil:
		return err
	case err != nil:
		return w.fail(err)
	}
	return w.Close()
}

// run runs all handlers on w.
func (r *Registry) run(ctx context.Context, w *Writer) error {
	for _, e := range r.table.Ascending() {
		if err := ctx.Err(); err != nil {
			return w.fail(err)
		}
		if err := w.handle(e); err != nil {
			return err
		}
	}
	return w.err
}

// handle runs one handler and holds it to its type.
func (w *Writer) handle(e handler.Entry[SaveFunc]) error {
	w.handler = &e.Type
	err := e.Func(w)
	w.handler = nil
	if err == nil {
		err = w.err // the handler may not have looked
	}
	if err == nil && w.state == inEntry {
		err = frame.Misuse(frame.RuleCalls, "the handler left %s open", w.current.Name(w.Layout()))
	}
	if err != nil {
		w.err = errors.Wrapf(w.fail(err), "save type %d %s", e.Type, e.Name)
	}
	return w.err
}
