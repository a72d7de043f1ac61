package move

import (
	"context"
	"fmt"
	"io"
	"syscall"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// An Outcome says where the guest is after a move.
type Outcome int

// The outcomes.
const (
	// Untouched: nothing was done to the guest.
	Untouched Outcome = iota
	// Kept: the guest runs on here, and no copy of it is left.
	Kept
	// Gone: the copy runs, and the guest here was destroyed.
	Gone
	// Undecided: the guest here is paused, and whether the copy runs is not known, or
	// what had to be done with the guest here failed.
	Undecided
)

// A Stream carries what xl save writes to the far side, and what is said behind it.
type Stream interface {
	// ReadFrom takes the save stream up to its end of file.
	io.ReaderFrom
	// Write takes a message, which leaves at once.
	io.Writer
	// Close ends the stream well, Abort in no way that could pass for that. After either
	// the far side sees an end of file.
	Close() error
	Abort()
}

// A Move is one guest on its way.
type Move struct {
	// Toolstack does what has to be done to the guest here.
	Toolstack Toolstack
	// Far gives the stream to the receiver, started on the other host, and what
	// that answers.
	Far func() (Stream, io.Reader, error)
	// Enter, if there is one, is told of each state that the move enters.
	Enter func(state string)

	out    Stream
	answer io.Reader
	guest  Guest
	away   bool // it has the name for that
}

// Run moves the guest of that name or number. Until the far side has been cleared, the end
// of ctx is a failure like any other; who waits for an answer has to see to it that the
// reader of answers ends then. An error comes with every outcome but Gone, and with Gone
// if the far side said something odd after it had succeeded.
func (m *Move) Run(ctx context.Context, name string) (Outcome, error) {
	guest, err := m.Toolstack.Find(name)
	if err != nil {
		return Untouched, err
	}
	m.guest = guest
	m.enter("asking")
	if m.out, m.answer, err = m.Far(); err != nil {
		return Untouched, err
	}
	if err := m.hear(xl.Ready); err != nil {
		m.out.Abort()
		return Untouched, errors.Wrap(err, "the other host has no receiver")
	}
	if ctx.Err() != nil {
		m.out.Abort()
		return Untouched, context.Cause(ctx)
	}
	m.enter("saving")
	if outcome, err := m.save(); err != nil {
		return outcome, err
	}
	if err := m.promised(ctx); err != nil {
		return m.keep(err)
	}
	if ctx.Err() != nil {
		return m.keep(context.Cause(ctx))
	}
	return m.clear()
}

func (m *Move) enter(state string) {
	if m.Enter != nil {
		m.Enter(state)
	}
}

// save streams the guest, which is paused after that. If it fails, xl has let the guest go on
// already, unless only the stream failed.
func (m *Move) save() (Outcome, error) {
	s, err := m.Toolstack.Save(m.guest)
	if err != nil {
		m.out.Abort()
		return Untouched, err
	}
	_, streamed := m.out.ReadFrom(s)
	if streamed != nil {
		m.out.Abort()
		_, _ = io.Copy(io.Discard, s) // xl must not see its pipe break
	}
	saved := s.Wait()
	switch {
	case saved != nil:
		m.out.Abort()
		return m.afterSave(saved)
	case streamed != nil:
		return m.keep(streamed)
	}
	return Gone, nil
}

// afterSave says where the guest is once xl save has failed.
func (m *Move) afterSave(saved error) (Outcome, error) {
	saved = errors.Wrap(saved, "xl save")
	running, err := m.Toolstack.Running(m.guest)
	switch {
	case err != nil:
		return Undecided, errors.Wrap(saved, err.Error())
	case !running:
		return Undecided, saved
	}
	return Kept, saved
}

// promised waits until the far side has a copy, and makes way for its name.
func (m *Move) promised(ctx context.Context) error {
	if err := m.hear(xl.Received); err != nil {
		return errors.Wrap(err, "the other host has not received the guest")
	}
	m.enter("promised")
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := m.Toolstack.Rename(m.guest, m.guest.Name+Away)
	m.away = err == nil
	return err
}

// Away is what xl adds to the name of a guest that moves away.
const Away = "--migratedaway"

// keep lets the guest go on here, whose copy nobody has cleared or which is no more.
func (m *Move) keep(cause error) (Outcome, error) {
	m.out.Abort()
	if m.away {
		if err := m.Toolstack.Rename(m.guest, m.guest.Name); err != nil {
			cause = errors.Wrapf(cause, "%v; and before that", err)
		}
	}
	if err := m.Toolstack.Unpause(m.guest); err != nil {
		return Undecided, errors.Wrapf(cause, "%v; and before that", err)
	}
	m.enter("kept")
	return Kept, cause
}

// clear lets the copy run, and does with the guest here what the answer asks for.
func (m *Move) clear() (Outcome, error) {
	m.enter("cleared")
	if _, err := io.WriteString(m.out, xl.Clearance); err != nil {
		// It may have arrived all the same: the answer decides.
		m.out.Abort()
	}
	code, err := m.result()
	switch {
	case err != nil:
		m.out.Abort()
		return Undecided, errors.Wrap(err, "no clear answer from the other host, which may run the guest")
	case code == xl.Running:
		return m.gone()
	}
	failed := fmt.Errorf("the other host could not start the guest: code %d", code)
	if err := m.hear(xl.Clearance); err != nil {
		m.out.Abort()
		return Undecided, errors.Wrapf(err, "%v, and it does not say whether its copy is gone", failed)
	}
	return m.keep(failed)
}

// result hears what became of the copy.
func (m *Move) result() (byte, error) {
	if err := m.hear(xl.Results); err != nil {
		return 0, err
	}
	var code [1]byte
	_, err := io.ReadFull(m.answer, code[:])
	return code[0], err
}

// gone destroys the guest here, whose copy runs.
func (m *Move) gone() (Outcome, error) {
	if err := m.Toolstack.Destroy(m.guest); err != nil {
		m.out.Abort()
		return Undecided, errors.Wrap(err, "the guest runs on the other host, and is still here, paused")
	}
	m.enter("gone")
	if err := m.out.Close(); err != nil && !errors.Is(err, syscall.EPIPE) {
		return Gone, err
	}
	return Gone, nil // a receiver that has said it may be gone before the stream's end
}

// hear hears exactly that message.
func (m *Move) hear(message string) error {
	b := make([]byte, len(message))
	if _, err := io.ReadFull(m.answer, b); err != nil {
		return &SilenceError{short(message), err}
	}
	if string(b) != message {
		return errors.Errorf("it said something else than %q", short(message))
	}
	return nil
}

// A SilenceError says that the far side ended instead of saying something.
type SilenceError struct {
	Message string // that it did not say
	Err     error  // of the reader
}

// Error says what was not said.
func (e *SilenceError) Error() string { return fmt.Sprintf("it ended instead of saying %q", e.Message) }

// Unwrap gives the reader's error.
func (e *SilenceError) Unwrap() error { return e.Err }

// short gives a message for reading.
func short(message string) string { return message[:len(message)-1] }
