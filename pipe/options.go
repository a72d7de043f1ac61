package pipe

import (
	"context"
	"fmt"
	"runtime"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// DefaultChunk is the content of a data frame unless [WithChunk] says
// otherwise, and what a [Restorer] holds back of foreign and raw input. Larger
// chunks compress better and cost memory and latency; docs/design.md has the
// figures that this value was chosen by.
const DefaultChunk = 2 << 20

// What [WithChunk] accepts. The upper bound is also the largest chunk that a
// [Restorer] accepts unless [WithMaxChunk] says otherwise.
const (
	MinChunk = zst.MinChunk
	MaxChunk = 64 << 20
)

// An Option sets up a [Compressor].
type Option func(*compressorConfig) error

type compressorConfig struct {
	ctx     context.Context
	chunk   int
	workers int
}

func defaultCompress() compressorConfig {
	return compressorConfig{ctx: context.Background(), chunk: DefaultChunk, workers: min(runtime.GOMAXPROCS(0), MaxWorkers)}
}

// MaxWorkers is the most that [WithWorkers] accepts.
const MaxWorkers = 256

// WithWorkers sets how many chunks are compressed at once, from 1 to MaxWorkers.
// Default: the number of processors that Go uses.
func WithWorkers(n int) Option {
	return func(c *compressorConfig) error {
		c.workers = n
		return inRange("WithWorkers", int64(n), 1, MaxWorkers)
	}
}

// WithContext lets ctx end the work: once it is done, every call fails with its
// cause and the stream is never sealed. A write or read that is under way is not
// interrupted. Default: a context that is never done.
func WithContext(ctx context.Context) Option {
	return func(c *compressorConfig) error {
		if ctx == nil {
			return fmt.Errorf("WithContext: no context: %w", frame.ErrMisuse)
		}
		c.ctx = ctx
		return nil
	}
}

// WithChunk sets the largest content of a data frame in bytes, from MinChunk
// to MaxChunk. Default: DefaultChunk.
func WithChunk(n int) Option {
	return func(c *compressorConfig) error {
		if err := inRange("WithChunk", int64(n), MinChunk, MaxChunk); err != nil {
			return err
		}
		c.chunk = n
		return nil
	}
}

// A RestoreOption sets up a [Restorer].
type RestoreOption func(*restoreConfig) error

type restoreConfig struct {
	force        bool
	maxChunk     int
	maxWindow    int64
	maxSkippable int64
	maxFrames    int64
	maxOutput    int64
}

// defaultRestore holds the limits of spec §12.
var defaultRestore = restoreConfig{
	maxChunk:     MaxChunk,
	maxWindow:    128 << 20,
	maxSkippable: 128 << 20,
	maxFrames:    zst.MaxFrames,
	maxOutput:    16 << 40,
}

// WithForce passes raw input on even if it is not recognised.
func WithForce() RestoreOption {
	return func(c *restoreConfig) error {
		c.force = true
		return nil
	}
}

// WithMaxChunk limits the chunk of a sealed stream in bytes, from MinChunk to
// 256 MiB. A Restorer needs up to five times as much memory. Default: MaxChunk.
func WithMaxChunk(n int) RestoreOption {
	return func(c *restoreConfig) error {
		c.maxChunk = n
		return inRange("WithMaxChunk", int64(n), MinChunk, zst.MaxChunk)
	}
}

// WithMaxWindow limits the window of foreign frames in bytes, from DefaultChunk
// to 1 GiB. A Restorer may need twice as much memory. Default: 128 MiB, which is
// enough for zstd --long=27.
func WithMaxWindow(n int64) RestoreOption {
	return func(c *restoreConfig) error {
		c.maxWindow = n
		return inRange("WithMaxWindow", n, DefaultChunk, 1<<30)
	}
}

// WithMaxSkippable limits the payload of skippable frames in foreign streams in
// bytes, from 0 to 4 GiB. They are skipped, not kept. Default: 128 MiB.
func WithMaxSkippable(n int64) RestoreOption {
	return func(c *restoreConfig) error {
		c.maxSkippable = n
		return inRange("WithMaxSkippable", n, 0, 1<<32)
	}
}

// WithMaxFrames limits the number of frames, from 1 to 2^27. Default: 2^27.
func WithMaxFrames(n int64) RestoreOption {
	return func(c *restoreConfig) error {
		c.maxFrames = n
		return inRange("WithMaxFrames", n, 1, zst.MaxFrames)
	}
}

// WithMaxOutput limits the payload in bytes, from 0 up. Default: 16 TiB.
func WithMaxOutput(n int64) RestoreOption {
	return func(c *restoreConfig) error {
		c.maxOutput = n
		return inRange("WithMaxOutput", n, 0, 1<<62)
	}
}

func inRange(option string, n, low, high int64) error {
	if n < low || n > high {
		return fmt.Errorf("%s: %d is not within %d to %d: %w", option, n, low, high, frame.ErrMisuse)
	}
	return nil
}
