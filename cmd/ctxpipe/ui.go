package main

import (
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/pipe"
)

// All words for a person on standard error come from this file. A message is
// one line, in lower case, and begins with the program's name and its kind:
//
//	ctxpipe: error: what is wrong, and where
//	ctxpipe: hint: what to try
//	ctxpipe: note: what one should know though all went well
//
// No message holds bytes of a guest.

// Exit statuses.
const (
	statusGood  = 0
	statusBad   = 1 // the stream is bad
	statusUsage = 2
	statusIO    = 3
	// statusUndecided is send's, when nobody knows which host has the guest.
	statusUndecided = 4
	// statusPipe is what shells report of a program that SIGPIPE killed.
	// Whoever closed the pipe knows why, so nothing is said.
	statusPipe = 128 + 13
)

// usageError is a slip of whoever typed the command.
type usageError struct {
	err  error
	hint string
}

func (u *usageError) Error() string { return u.err.Error() }
func (u *usageError) Unwrap() error { return u.err }

// hinted is any other error with advice what to try.
type hinted struct {
	err  error
	hint string
}

func (h *hinted) Error() string { return h.err.Error() }
func (h *hinted) Unwrap() error { return h.err }

// undecided is a failure after which a person has to find out who has the guest.
type undecided struct{ err error }

func (u *undecided) Error() string { return u.err.Error() }
func (u *undecided) Unwrap() error { return u.err }

// badStream is what is wrong with a stream that has no place to name.
type badStream string

func (b badStream) Error() string { return string(b) }

// said is a failure that a person knows of already.
type said struct{ status int }

func (s *said) Error() string { return "" }

func usagef(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...), hint: "ctxpipe --help tells how it is used"}
}

// finish says what went wrong, if anything did, and gives the exit status.
func finish(err error) int {
	if err == nil {
		return statusGood
	}
	status := statusOf(err)
	var before *said
	if status != statusPipe && !errors.As(err, &before) {
		sayError(err)
	}
	return status
}

// sayError says what went wrong, and what to try if that is known.
func sayError(err error) {
	say("error", "%s", oneLine(err))
	if hint := hintOf(err); hint != "" {
		say("hint", "%s", hint)
	}
}

// hintOf gives what to try, if that is known.
func hintOf(err error) string {
	var usage *usageError
	var other *hinted
	var newer *zst.FormatError
	switch {
	case errors.As(err, &usage):
		return usage.hint
	case errors.As(err, &other):
		return other.hint
	case errors.As(err, &newer):
		return fmt.Sprintf("upgrade ctxpipe here, or have the stream written with --format %d", zst.Format)
	}
	return ""
}

// statusOf tells a bad stream from a bad command line and a bad world.
func statusOf(err error) int {
	var usage *usageError
	var place *frame.Error
	var bad badStream
	var before *said
	var child *childError
	var nobodyKnows *undecided
	switch {
	case errors.As(err, &before):
		return before.status
	case errors.As(err, &nobodyKnows):
		return statusUndecided
	case errors.As(err, &child):
		return child.status
	case errors.As(err, &usage), isCobraUsage(err):
		return statusUsage
	case errors.As(err, &place), errors.As(err, &bad), errors.Is(err, io.ErrUnexpectedEOF):
		return statusBad
	case errors.Is(err, syscall.EPIPE):
		return statusPipe
	}
	return statusIO
}

// isCobraUsage knows the one slip that cobra reports without asking us.
func isCobraUsage(err error) bool { return strings.HasPrefix(err.Error(), "unknown command ") }

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

func say(kind, format string, args ...any) {
	fmt.Fprintf(&screen, "ctxpipe: %s: %s\n", kind, fmt.Sprintf(format, args...))
}

// sayKind says what a restorer found, where it is not what one would hope for.
func sayKind(name string, info pipe.Info) {
	switch info.Kind {
	case pipe.Foreign:
		say("note", "%s: not made by ctxpipe: only zstd's own checks applied, a cut between frames cannot be seen", shown(name))
	case pipe.Raw:
		say("note", "%s: not compressed: passed on as it is, nothing was checked", shown(name))
	}
}

// sayRange says what a range is not.
func sayRange(name string) {
	say("note", "%s: only the frames of this range were checked, not the whole stream", shown(name))
}

// sayStats says in one line what a filter did.
func sayStats(command string, s pipe.Stats) {
	plain, packed := sides(packs(command), s)
	say("note", "%s: %s plain, %s packed, ratio %.2f, %s, %.2f s, %s/s", command,
		size(plain), size(packed), ratio(plain, packed), count(s.Frames, "frame", "frames"), s.Seconds, size(rate(plain, s.Seconds)))
}

// packs says whether a command takes the payload in and gives the compressed stream
// out; the others do the reverse.
func packs(command string) bool {
	return command == "compress" || command == "ssh" || command == "send"
}

// progressText says in one line how far a command has come, what matters most first.
func progressText(command string, r report) string {
	done := size(r.plain)
	switch {
	case r.about:
		done += " of about " + size(r.Total)
	case r.Total > 0:
		done += " of " + size(r.Total)
	}
	parts := []string{done}
	if r.Fraction != nil {
		parts = append(parts, fmt.Sprintf("%d %%", int(*r.Fraction*100)))
	}
	parts = append(parts, size(r.Rate)+"/s", fmt.Sprintf("ratio %.2f", r.Ratio))
	if r.Level != "" {
		parts = append(parts, "level "+r.Level)
	}
	if r.ETA != nil {
		parts = append(parts, "ETA "+clock(*r.ETA))
	}
	return command + ": " + strings.Join(parts, ", ")
}

// shown is how an input is called in messages.
func shown(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}
