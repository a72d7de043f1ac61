package pipe

import (
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

type restoreConfig struct {
	commonConfig
	force        bool
	maxChunk     int
	maxWindow    int64
	maxSkippable int64
	maxFrames    int64
	maxOutput    int64
	holdLimit    int64
}

// defaultRestore has the limits of spec §12.
func defaultRestore() restoreConfig {
	return restoreConfig{
		commonConfig: defaultCommon(),
		maxChunk:     MaxChunk,
		maxWindow:    128 << 20,
		maxSkippable: 128 << 20,
		maxFrames:    zst.MaxFrames,
		maxOutput:    16 << 40,
		holdLimit:    64 << 20,
	}
}

// restoreConfigOf gives the defaults with the options.
func restoreConfigOf(opts []RestoreOption) (restoreConfig, error) {
	cfg := defaultRestore()
	for _, opt := range opts {
		if err := opt.restore(&cfg); err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}

// fit makes the limits agree with the memory that may be used, and with each
// other. A third of it is for a window, if the input turns out to need one.
func (c *restoreConfig) fit() error {
	if c.memory == 0 {
		return nil
	}
	c.maxWindow = min(c.maxWindow, c.memory/3)
	c.holdLimit = min(c.holdLimit, c.memory/8)
	if least := c.least(); c.memory < least {
		return fmt.Errorf("WithMemory: a Restorer needs %d bytes at least: %w", least, frame.ErrMisuse)
	}
	return nil
}

// least is the memory without which nothing can be restored.
func (c *restoreConfig) least() int64 { return c.need(DefaultChunk, piece, 1) * 3 / 2 }

// need is the memory that so many parts need whose content is that large: the ring that
// frames lie in and what it was before it grew, the content of each part, what is held
// back with what is on its way out, and what the codec keeps for each that is decoded at once.
func (c *restoreConfig) need(hold, content, parts int) int64 {
	in, out := int64(inputSize+ringSize(content, parts)), int64(content+slack)
	return in + int64(parts)*out + 2*max(int64(hold), out) + int64(min(c.workers, parts))*decoderSize
}

// decoderSize is about what the codec keeps for each worker.
const decoderSize = 512 << 10

// parts gives how many parts may be on their way whose content is that large: one
// for each worker and one more, or as many as the memory has room for beside
// something else.
func (c *restoreConfig) parts(hold, content int, beside int64) (int, error) {
	return c.afford(c.workers+spareParts, func(n int) int64 { return c.need(hold, content, n) + beside })
}

// afford gives most, or the greatest number above 0 whose need there is memory for.
func (c *restoreConfig) afford(most int, need func(n int) int64) (int, error) {
	if c.memory == 0 {
		return most, nil
	}
	n := most
	for ; n > 1 && need(n) > c.memory; n-- {
	}
	if need := need(n); need > c.memory {
		return 0, &frame.Error{
			Layer: zst.Layer, Index: frame.NoIndex, Rule: "TR-80", Err: frame.ErrTooLarge,
			What: "needs too much memory", Wanted: fmt.Sprintf("at most %d", c.memory), Got: fmt.Sprint(need),
		}
	}
	return n, nil
}

// wholeForeign is the most content of a foreign frame that is decoded whole.
func (c *restoreConfig) wholeForeign() int {
	n := wholeForeign
	for ; c.memory > 0 && n > piece && c.need(DefaultChunk, n, 2)+c.maxWindow > c.memory; n /= 2 {
	}
	return n
}

// decodeLimit is the most content, and the largest window, of any frame that is
// decoded whole. The window is larger than the content where an encoder did not
// know the size.
func (c *restoreConfig) decodeLimit() int64 { return max(int64(c.maxChunk), wholeForeign, c.maxWindow) }

// WithForce passes raw input on even if it is not recognised, but not what looks
// like zstd with a flipped bit in front.
func WithForce() RestoreOption {
	return restoreOption(func(c *restoreConfig) error {
		c.force = true
		return nil
	})
}

// WithMaxChunk limits the chunk of a sealed stream in bytes, from MinChunk to
// 256 MiB. With two workers a Restorer may need six times as much memory. Default: MaxChunk.
func WithMaxChunk(n int) RestoreOption {
	return restoreOption(func(c *restoreConfig) error {
		c.maxChunk = n
		return inRange("WithMaxChunk", int64(n), MinChunk, zst.MaxChunk)
	})
}

// WithMaxWindow limits the window of foreign frames in bytes, from DefaultChunk
// to 1 GiB. A Restorer may need twice as much memory. Default: 128 MiB, which is
// enough for zstd --long=27. What exceeds it is a [WindowError].
func WithMaxWindow(n int64) RestoreOption {
	return restoreOption(func(c *restoreConfig) error {
		c.maxWindow = n
		return inRange("WithMaxWindow", n, DefaultChunk, 1<<30)
	})
}

// WithMaxSkippable limits the payload of skippable frames in foreign streams in
// bytes, from 0 to 4 GiB. They are skipped, not kept. Default: 128 MiB.
func WithMaxSkippable(n int64) RestoreOption {
	return restoreOption(func(c *restoreConfig) error {
		c.maxSkippable = n
		return inRange("WithMaxSkippable", n, 0, 1<<32)
	})
}

// WithMaxFrames limits the number of frames, from 1 to 2^27. Default: 2^27.
func WithMaxFrames(n int64) RestoreOption {
	return restoreOption(func(c *restoreConfig) error {
		c.maxFrames = n
		return inRange("WithMaxFrames", n, 1, zst.MaxFrames)
	})
}

// WithMaxOutput limits the payload in bytes, from 0 up. Default: 16 TiB.
func WithMaxOutput(n int64) RestoreOption {
	return restoreOption(func(c *restoreConfig) error {
		c.maxOutput = n
		return inRange("WithMaxOutput", n, 0, 1<<62)
	})
}

// WithHoldLimit limits what a [Restorer] holds back of a save stream beyond the last
// chunk, in bytes, from 64 KiB up: libxc's END and all that follows it, an
// emulator's state above all. Default: 64 MiB. [WithMemory] lowers it to an eighth of
// its figure, which may come on top of that, but in most streams it is a few bytes.
func WithHoldLimit(n int64) RestoreOption {
	return restoreOption(func(c *restoreConfig) error {
		c.holdLimit = n
		return inRange("WithHoldLimit", n, 64<<10, 1<<40)
	})
}

// A WindowError is underneath the error about a foreign frame whose window
// exceeds the limit. It wraps [frame.ErrTooLarge].
type WindowError struct {
	Window uint64 // bytes that the frame needs
}

// Error says how large the window is.
func (e *WindowError) Error() string {
	return fmt.Sprintf("a window of %d bytes is too large", e.Window)
}

// Unwrap gives frame.ErrTooLarge.
func (e *WindowError) Unwrap() error { return frame.ErrTooLarge }
