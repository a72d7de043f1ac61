package handler

import (
	stderrors "errors"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Domain is what sink.Domain and source.Domain are.
type Domain interface {
	Current() bool
	Pause() error
	Unpause() error
}

// Hold runs f while d is paused. The pause is released on every path, also
// where f panics; an error of the release is joined to that of f. A nil d
// needs no hold. If d is the caller's own domain, or cannot be paused, f does
// not run.
func Hold(d Domain, f func() error) (err error) {
	if d == nil {
		return f()
	}
	if d.Current() {
		return frame.Misuse(frame.RuleOwnDomain, "a domain cannot save or load its own context")
	}
	if err := d.Pause(); err != nil {
		return errors.Wrap(err, "pause the domain")
	}
	defer func() {
		if e := d.Unpause(); e != nil {
			err = stderrors.Join(err, errors.Wrap(e, "unpause the domain"))
		}
	}()
	return f()
}
