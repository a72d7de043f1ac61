package pipe

import (
	"fmt"
	"time"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// DefaultChunk is the content of a data frame unless [WithChunk] or a level says
// otherwise, and what a [Restorer] holds back of foreign and raw input. Larger
// chunks compress better and cost memory and latency; docs/design.md has the
// figures that this value was chosen by.
const DefaultChunk = 2 << 20

// chunkFor gives the chunk of a level. Whoever asks for a ratio by name gets the
// chunk that it takes; auto, which is for links, stays with less latency.
func chunkFor(l Level) int {
	switch l {
	case LevelDefault:
		return 3 * DefaultChunk
	case LevelBetter, LevelBest:
		return 4 * DefaultChunk
	}
	return DefaultChunk
}

// What [WithChunk] accepts. The upper bound is also the largest chunk that a
// [Restorer] accepts unless [WithMaxChunk] says otherwise.
const (
	MinChunk = zst.MinChunk
	MaxChunk = 64 << 20
)

type compressConfig struct {
	commonConfig
	chunk  int // 0: that of the level, or less if the memory demands it
	level  Level
	wire   zst.Wire
	verify bool
	live   time.Duration // the pause; 0: not live
	format int           // the newest that the reader knows
}

func defaultCompress() compressConfig {
	return compressConfig{commonConfig: defaultCommon(), level: LevelAuto, format: zst.Format}
}

// WithChunk sets the largest content of a data frame in bytes, from MinChunk
// to MaxChunk. Default: DefaultChunk, three times that for LevelDefault and four times for
// LevelBetter and LevelBest, or less where [WithMemory] demands it.
func WithChunk(n int) Option {
	return compressOption(func(c *compressConfig) error {
		c.chunk = n
		return inRange("WithChunk", int64(n), MinChunk, MaxChunk)
	})
}

// WithLevel sets how much work a data frame is worth. [LevelFast] needs
// [WithWire]. Default: LevelAuto.
func WithLevel(l Level) Option {
	return compressOption(func(c *compressConfig) error {
		c.level = l
		return inRange("WithLevel", int64(l), int64(LevelElide), int64(LevelAuto))
	})
}

// WithWire sets who can read the stream. On [zst.WireCtxpipe] only ctxpipe can,
// and frames of [LevelFast] may be in it. Default: [zst.WireZstd].
func WithWire(w zst.Wire) Option {
	return compressOption(func(c *compressConfig) error {
		c.wire = w
		return inRange("WithWire", int64(w), int64(zst.WireZstd), int64(zst.WireCtxpipe))
	})
}

// WithFormat writes for a reader that knows formats up to n, from [zst.FormatBase] to
// [zst.Format], spec §16: nothing of a later one is used. [WithLive] needs [zst.FormatLive].
// A stream never asks for more than it needs, so this is a promise and changes no byte.
// Default: zst.Format.
func WithFormat(n int) Option {
	return compressOption(func(c *compressConfig) error {
		c.format = n
		return inRange("WithFormat", int64(n), zst.FormatBase, zst.Format)
	})
}

// WithVerifyEncode has each frame decoded and compared with its content before
// it leaves. One that differs is made again without a codec; Stats tells how
// many there were, and what the verifying has cost.
func WithVerifyEncode() Option {
	return compressOption(func(c *compressConfig) error {
		c.verify = true
		return nil
	})
}

// settle judges the options as a whole, and fits chunk and workers into the
// memory.
func (c *compressConfig) settle() error {
	if c.level == LevelFast && c.wire != zst.WireCtxpipe {
		return fmt.Errorf("level %v needs the wire %v, which only ctxpipe reads: %w", c.level, zst.WireCtxpipe, frame.ErrMisuse)
	}
	if c.live > 0 && c.check == CheckOff {
		return fmt.Errorf("WithLive: the payload has to be looked at: %w", frame.ErrMisuse)
	}
	if c.live > 0 && c.format < zst.FormatLive {
		return fmt.Errorf("WithLive: a live stream needs format %d, not %d: %w", zst.FormatLive, c.format, frame.ErrMisuse)
	}
	return c.fit()
}
