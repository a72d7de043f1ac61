package pipe

import (
	"fmt"
	"math"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// A Check says what a filter demands of a payload.
type Check int

// The checks.
const (
	// CheckAuto: a payload that begins as a save stream of Xen, a domain context or an
	// HVM context has to be a whole one that can be used, by the load rules of
	// docs/spec/xen-streams.md. Any other may be anything.
	CheckAuto Check = iota
	// CheckStrict: it has to be one of these, and a good one by the verify
	// rules.
	CheckStrict
	// CheckOff: it may be anything, and is not looked at.
	CheckOff
)

var checkNames = [...]string{"auto", "strict", "off"}

// String gives the check's name, as ParseCheck takes it.
func (c Check) String() string {
	if c < 0 || int(c) >= len(checkNames) {
		return fmt.Sprintf("check-%d", int(c))
	}
	return checkNames[c]
}

// ParseCheck gives the check of that name. It fails with [frame.ErrMisuse] if
// there is none.
func ParseCheck(name string) (Check, error) {
	for i, n := range checkNames {
		if n == name {
			return Check(i), nil
		}
	}
	return 0, fmt.Errorf("no check has the name %q: %w", name, frame.ErrMisuse)
}

// WithCheck sets what is demanded of the payload. A [Compressor] does not seal one
// that breaks a rule or ends too early; a [Restorer] lets nothing more of it out.
// Without a check a Restorer does not know either what of a payload has to be held
// back, and holds back no more than the last chunk. Default: CheckAuto.
func WithCheck(check Check) CommonOption {
	return commonOption(func(c *commonConfig) error {
		c.check = check
		return inRange("WithCheck", int64(check), int64(CheckAuto), int64(CheckOff))
	})
}

// follower follows a payload as it passes. Its errors are *[frame.Error] of the
// layer that is wrong, and stick.
type follower struct {
	check  Check
	first  []byte      // as long as the kind is not decided
	opaque bool        // nothing is demanded any more
	walker *xen.Walker // nil until the kind is decided, or if opaque
	meter  *meter      // is told how much memory the guest has
}

func newFollower(c Check, m *meter) follower {
	return follower{check: c, opaque: c == CheckOff, meter: m}
}

// write follows the next bytes.
func (w *follower) write(p []byte) error {
	if w.opaque {
		return nil
	}
	if w.walker == nil {
		var err error
		if p, err = w.begin(p); w.walker == nil {
			return err
		}
	}
	_, err := w.walker.Write(p)
	return err
}

// begin finds out what the payload is. It gives the bytes that were not used for
// that.
func (w *follower) begin(p []byte) ([]byte, error) {
	if w.check == CheckStrict {
		return p, w.walk(xen.WithStrictness(xen.Verify))
	}
	n := min(len(p), xen.RecogniseSize-len(w.first))
	w.first = append(w.first, p[:n]...)
	kind, decided := xen.Recognise(w.first)
	switch {
	case !decided:
		return nil, nil
	case kind == xen.Opaque:
		w.opaque, w.first = true, nil
		return nil, nil
	}
	err := w.walk(xen.WithKind(kind))
	return p[n:], err
}

// walk begins to walk, with what was seen first.
func (w *follower) walk(opts ...xen.Option) error {
	configured := func(_ int64, d xen.Domain, _ []byte) { w.meter.memory.Store(memoryOf(d)) }
	walker, err := xen.New(append(opts, xen.WithVisitor(xen.Visitor{Config: configured}))...)
	if err != nil {
		return err
	}
	w.walker = walker
	_, err = walker.Write(w.first)
	w.first = nil
	return err
}

// memoryOf gives the bytes of memory that a domain has, 0 if its configuration does
// not tell or cannot mean it. A guest may have been given less than it may have.
func memoryOf(d xen.Domain) int64 {
	kb := d.MaxMemKB
	if d.TargetMemKB > 0 && (kb == 0 || d.TargetMemKB < kb) {
		kb = d.TargetMemKB
	}
	if kb > math.MaxInt64>>10 {
		return 0
	}
	return int64(kb) << 10
}

// close is the end of the payload. One that ends inside the first bytes of a known
// kind counts as cut.
func (w *follower) close() error {
	if w.check == CheckStrict && w.walker == nil {
		if err := w.write(nil); err != nil {
			return err
		}
	}
	if len(w.first) > 0 && !w.opaque {
		kind, _ := xen.Recognise(w.first)
		if err := w.walk(xen.WithKind(kind)); err != nil {
			return err
		}
	}
	if w.walker == nil {
		return nil
	}
	return w.walker.Close()
}

// kind gives what the payload is, as far as that is known.
func (w *follower) kind() xen.Kind {
	if w.walker == nil {
		return xen.Opaque
	}
	return w.walker.Kind()
}

// guards says whether the payload would start a guest, and up to where it may be
// let out without doing so.
func (w *follower) guards() (safe int64, yes bool) {
	switch w.kind() {
	case xen.XL, xen.Libxl, xen.Libxc:
		return w.walker.Safe(), true
	}
	return 0, false
}
