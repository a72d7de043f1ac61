package pipe

import (
	"context"
	"fmt"
	"runtime"

	"github.com/ctxpipe/ctxpipe/frame"
)

// An Option sets up a [Compressor], a [RestoreOption] a [Restorer], and a
// [CommonOption] either.
type Option interface {
	compress(*compressConfig) error
}

// A RestoreOption sets up a [Restorer].
type RestoreOption interface {
	restore(*restoreConfig) error
}

// A CommonOption is an [Option] and a [RestoreOption].
type CommonOption interface {
	Option
	RestoreOption
}

type (
	compressOption func(*compressConfig) error
	restoreOption  func(*restoreConfig) error
	commonOption   func(*commonConfig) error
)

func (o compressOption) compress(c *compressConfig) error { return o(c) }
func (o restoreOption) restore(c *restoreConfig) error    { return o(c) }
func (o commonOption) compress(c *compressConfig) error   { return o(&c.commonConfig) }
func (o commonOption) restore(c *restoreConfig) error     { return o(&c.commonConfig) }

// commonConfig is what both filters have.
type commonConfig struct {
	ctx     context.Context
	workers int
	memory  int64 // 0: no limit
	check   Check
}

func defaultCommon() commonConfig {
	return commonConfig{ctx: context.Background(), workers: min(runtime.GOMAXPROCS(0), MaxWorkers)}
}

// MaxWorkers is the most that [WithWorkers] accepts.
const MaxWorkers = 256

// WithWorkers sets how many frames are made or decoded at once, from 1 to
// MaxWorkers. Default: the number of processors that Go uses.
func WithWorkers(n int) CommonOption {
	return commonOption(func(c *commonConfig) error {
		c.workers = n
		return inRange("WithWorkers", int64(n), 1, MaxWorkers)
	})
}

// WithContext lets ctx end the work: once it is done, every call fails with its
// cause, and no stream is sealed or verified any more. A write or read that is
// under way is not interrupted. Default: a context that is never done.
func WithContext(ctx context.Context) CommonOption {
	return commonOption(func(c *commonConfig) error {
		if ctx == nil {
			return fmt.Errorf("WithContext: no context: %w", frame.ErrMisuse)
		}
		c.ctx = ctx
		return nil
	})
}

func inRange(option string, n, low, high int64) error {
	if n < low || n > high {
		return fmt.Errorf("%s: %d is not within %d to %d: %w", option, n, low, high, frame.ErrMisuse)
	}
	return nil
}
