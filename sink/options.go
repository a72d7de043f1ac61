package sink

import "github.com/ctxpipe/ctxpipe/frame"

// DefaultHoldLimit is how many bytes of one entry a staged Writer holds unless
// told otherwise.
const DefaultHoldLimit = 64 << 20

// Option changes how a context is written. An option that cannot be honoured
// makes the constructor fail.
type Option func(*settings) error

type settings struct {
	layout  frame.Layout
	xen     frame.XenVersion
	hold    uint64
	repeats bool
	scratch [frame.HeaderSize]byte // room to encode HEADER, END or a descriptor
}

func newSettings(opts []Option) (settings, error) {
	s := settings{layout: frame.Compact, hold: DefaultHoldLimit}
	for _, o := range opts {
		if err := o(&s); err != nil {
			return s, err
		}
	}
	// A version that the header has no room for is better refused here than
	// when the first entry is written.
	_, err := frame.Header{Layout: s.layout, Xen: s.xen}.Append(s.scratch[:0])
	return s, err
}

// WithLayout chooses the layout; the default is [frame.Compact].
func WithLayout(l frame.Layout) Option {
	return func(s *settings) error {
		if !l.Valid() {
			return frame.Misuse(frame.RuleCalls, "no such layout: %v", l)
		}
		s.layout = l
		return nil
	}
}

// WithXen sets the version of Xen that the header names as its writer; the
// default is 0.0. The compact layout has 16 bits for each part.
func WithXen(v frame.XenVersion) Option {
	return func(s *settings) error {
		s.xen = v
		return nil
	}
}

// WithHoldLimit sets how many bytes of one entry a staged Writer may hold,
// copied and handed over together, with the descriptor and without padding;
// the default is [DefaultHoldLimit]. Other Writers hold nothing and ignore it.
func WithHoldLimit(bytes uint64) Option {
	return func(s *settings) error {
		if bytes < frame.MaxDescriptorSize {
			return frame.Misuse(frame.RuleCalls, "a hold limit of %d bytes has no room for a descriptor", bytes)
		}
		s.hold = bytes
		return nil
	}
}

// WithRepeats lets the same type and instance be written more than once. It is
// there to copy contexts of earlier writers that lost the instances (spec
// §12, E2); a verifier refuses the result.
func WithRepeats() Option {
	return func(s *settings) error {
		s.repeats = true
		return nil
	}
}
