package pipe

import "github.com/ctxpipe/ctxpipe/frame/zst"

type restoreConfig struct {
	commonConfig
	force        bool
	maxChunk     int
	maxWindow    int64
	maxSkippable int64
	maxFrames    int64
	maxOutput    int64
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
	}
}

// WithForce passes raw input on even if it is not recognised.
func WithForce() RestoreOption {
	return restoreOption(func(c *restoreConfig) error {
		c.force = true
		return nil
	})
}

// WithMaxChunk limits the chunk of a sealed stream in bytes, from MinChunk to
// 256 MiB. A Restorer needs up to five times as much memory. Default: MaxChunk.
func WithMaxChunk(n int) RestoreOption {
	return restoreOption(func(c *restoreConfig) error {
		c.maxChunk = n
		return inRange("WithMaxChunk", int64(n), MinChunk, zst.MaxChunk)
	})
}

// WithMaxWindow limits the window of foreign frames in bytes, from DefaultChunk
// to 1 GiB. A Restorer may need twice as much memory. Default: 128 MiB, which is
// enough for zstd --long=27.
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
