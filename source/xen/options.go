package xen

import (
	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
)

// Strictness says which rules a [Walker] holds a stream to.
type Strictness uint8

const (
	// Load are the rules that decide whether a stream can be used: what a
	// reader of Xen refuses, or takes only by mistake.
	Load Strictness = iota
	// Verify are those and all others: what a good writer keeps to.
	Verify
)

// The limits of a Walker that was not told others (spec §3).
const (
	DefaultMaxConfig = 4 << 20   // bytes of xl's optional data
	DefaultMaxRecord = 256 << 20 // bytes of a libxl record
	DefaultMaxPFN    = 1<<32 - 1 // largest frame number: a guest of 16 TiB
	// DefaultMaxEntries is how many entries a domain or HVM context may have.
	DefaultMaxEntries = 1 << 16
)

// Option changes how a stream is walked. An option that cannot be honoured
// makes New fail.
type Option func(*settings) error

type settings struct {
	told        Kind // Opaque for whatever it is
	strict      bool
	checkpoints bool
	visit       Visitor
	finding     func(*frame.Error)
	maxConfig   uint32
	maxRecord   uint32
	maxPFN      uint64
	maxEntries  int
}

func newSettings(opts []Option) (settings, error) {
	s := settings{maxConfig: DefaultMaxConfig, maxRecord: DefaultMaxRecord, maxPFN: DefaultMaxPFN, maxEntries: DefaultMaxEntries}
	for _, o := range opts {
		if err := o(&s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// WithStrictness chooses the rules; the default is [Load].
func WithStrictness(v Strictness) Option {
	return func(s *settings) error {
		if v > Verify {
			return frame.Misuse(RuleCalls, "no such strictness: %d", v)
		}
		s.strict = v == Verify
		return nil
	}
}

// WithKind says what the stream is, so that anything else is refused. The
// default is to tell it by the first bytes.
func WithKind(k Kind) Option {
	return func(s *settings) error {
		if k == Opaque || k > HVMContext {
			return frame.Misuse(RuleCalls, "no such kind to walk: %v", k)
		}
		s.told = k
		return nil
	}
}

// WithVisitor tells v what passes.
func WithVisitor(v Visitor) Option {
	return func(s *settings) error {
		s.visit = v
		return nil
	}
}

// WithFindings goes on after a broken rule where the structure allows it, and
// tells f of each. What is then left for Write and Close to return is what
// stops the walk. Of the entries of one PAGE_DATA record only the first that
// breaks a rule is reported for it.
func WithFindings(f func(*frame.Error)) Option {
	return func(s *settings) error {
		s.finding = f
		return nil
	}
}

// WithCheckpoints lets a stream of Remus or COLO pass, which is otherwise
// refused by name: restoring such a stream is not safe against its loss.
func WithCheckpoints() Option {
	return func(s *settings) error {
		s.checkpoints = true
		return nil
	}
}

// WithMaxConfig limits xl's optional data, in bytes; the default is
// [DefaultMaxConfig].
func WithMaxConfig(bytes uint32) Option {
	return func(s *settings) error {
		s.maxConfig = bytes
		return nil
	}
}

// WithMaxRecord limits the bodies of libxl's records, in bytes; the default
// is [DefaultMaxRecord]. Those of libxc have the limit that Xen gives them.
func WithMaxRecord(bytes uint32) Option {
	return func(s *settings) error {
		s.maxRecord = bytes
		return nil
	}
}

// WithMaxPFN limits frame numbers; the default is [DefaultMaxPFN]. A restorer
// needs memory in proportion to the largest.
func WithMaxPFN(pfn uint64) Option {
	return func(s *settings) error {
		if pfn > libxc.MaxPFN {
			return frame.Misuse(RuleCalls, "no frame number is above %#x", uint64(libxc.MaxPFN))
		}
		s.maxPFN = pfn
		return nil
	}
}

// WithMaxEntries limits how many entries a domain or HVM context may have; the
// default is [DefaultMaxEntries]. A verifier remembers up to that many instances.
func WithMaxEntries(n int) Option {
	return func(s *settings) error {
		if n < 2 {
			return frame.Misuse(RuleCalls, "a context has at least 2 entries, a limit of %d allows none", n)
		}
		s.maxEntries = n
		return nil
	}
}
