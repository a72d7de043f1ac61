package pipe

import (
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

type compressConfig struct {
	commonConfig
	chunk int
}

func defaultCompress() compressConfig {
	return compressConfig{commonConfig: defaultCommon(), chunk: DefaultChunk}
}

// WithChunk sets the largest content of a data frame in bytes, from MinChunk
// to MaxChunk. Default: DefaultChunk.
func WithChunk(n int) Option {
	return compressOption(func(c *compressConfig) error {
		c.chunk = n
		return inRange("WithChunk", int64(n), MinChunk, MaxChunk)
	})
}
