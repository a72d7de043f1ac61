package source

import "github.com/ctxpipe/ctxpipe/frame"

// The limits of a Reader that was not told others (spec §8, DC-41).
const (
	DefaultMaxEntry   = 1 << 30 // bytes of one entry's body
	DefaultMaxEntries = 1 << 20
	DefaultMaxTotal   = 1 << 40 // bytes of the whole context
)

// What every context needs: HEADER's body, and HEADER with END.
const (
	minEntry = frame.HeaderSize - frame.CompactDescriptorSize
	minTotal = frame.HeaderSize + frame.CompactDescriptorSize
)

// Option changes how a context is read. An option that cannot be honoured
// makes the constructor fail.
type Option func(*settings) error

type settings struct {
	maxEntry   uint64
	maxEntries int
	maxTotal   int64
	marks      bool
	bodies     bool
	strict     bool
}

func newSettings(opts []Option) (settings, error) {
	s := settings{maxEntry: DefaultMaxEntry, maxEntries: DefaultMaxEntries, maxTotal: DefaultMaxTotal}
	for _, o := range opts {
		if err := o(&s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// WithMaxEntry limits the length of one entry, in bytes as its descriptor
// states it; the default is [DefaultMaxEntry].
func WithMaxEntry(bytes uint64) Option {
	return func(s *settings) error {
		if bytes < minEntry {
			return frame.Misuse(frame.RuleCalls, "a limit of %d bytes has no room for HEADER", bytes)
		}
		s.maxEntry = bytes
		return nil
	}
}

// WithMaxEntries limits how many entries a context may have, HEADER or START
// and END included; the default is [DefaultMaxEntries]. A verifier remembers
// up to that many instances.
func WithMaxEntries(n int) Option {
	return func(s *settings) error {
		if n < 2 {
			return frame.Misuse(frame.RuleCalls, "a context has at least 2 entries, a limit of %d allows none", n)
		}
		s.maxEntries = n
		return nil
	}
}

// WithMaxTotal limits the bytes of the whole context; the default is
// [DefaultMaxTotal].
func WithMaxTotal(bytes int64) Option {
	return func(s *settings) error {
		if bytes < minTotal {
			return frame.Misuse(frame.RuleCalls, "a limit of %d bytes has no room for HEADER and END", bytes)
		}
		s.maxTotal = bytes
		return nil
	}
}

// WithMarks lets [Reader.Next] and [Reader.All] also give HEADER or START and
// END as entries, for whoever wants to show or copy every byte.
func WithMarks() Option {
	return func(s *settings) error {
		s.marks = true
		return nil
	}
}

// CheckBodies makes [Verify] also check the bodies of the types that the
// specification describes (spec §10).
func CheckBodies() Option {
	return func(s *settings) error {
		s.bodies = true
		return nil
	}
}
