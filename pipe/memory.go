package pipe

import (
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// WithMemory limits what a filter borrows for its buffers and codecs, in bytes.
// What the program and Go's runtime need comes on top, about 10 MiB.
//
// A [Compressor] makes its chunk smaller, down to 512 KiB, unless [WithChunk] set
// it; then it takes fewer workers; then the chunk gets smaller still. A
// [Restorer] decodes fewer frames at once, and refuses what does not fit. Both
// fail with [frame.ErrMisuse] if it is too little for anything. Default: no
// limit but those that the other options set.
func WithMemory(n int64) CommonOption {
	return commonOption(func(c *commonConfig) error {
		c.memory = n
		return inRange("WithMemory", n, 1, 1<<62)
	})
}

// preferredChunk is what a chunk does not fall below while there is more than one
// worker.
const preferredChunk = 512 << 10

// fit settles chunk and workers.
func (c *compressConfig) fit() error {
	chunk := c.chunk
	if chunk == 0 {
		chunk = chunkFor(c.level)
	}
	if c.memory > 0 {
		for c.chunk == 0 && chunk > preferredChunk && c.need(chunk) > c.memory {
			chunk = max(chunk/2, preferredChunk)
		}
		for c.workers > 1 && c.need(chunk) > c.memory {
			c.workers--
		}
		for c.chunk == 0 && chunk > MinChunk && c.need(chunk) > c.memory {
			chunk /= 2
		}
		if need := c.need(chunk); need > c.memory {
			return fmt.Errorf("WithMemory: a Compressor with this chunk and level needs %d bytes at least: %w", need, frame.ErrMisuse)
		}
	}
	c.chunk = chunk
	return nil
}

// need is the memory that a Compressor needs at the most: a chunk and a frame for
// each job, and what the codecs keep for each worker.
func (c *compressConfig) need(chunk int) int64 {
	job := int64(chunk + frameSize(chunk))
	worker := codecSize(c.level)
	if c.verify {
		worker += 2*int64(chunk) + decoderSize
	}
	return int64(c.workers+spareJobs)*job + int64(c.workers)*worker
}

// frameSize is the room for a frame, with the header and the lock in front of it.
func frameSize(chunk int) int { return maxHeaderFrame + zst.MaxFrameSize(chunk) }

// codecSize is about what an encoder keeps for one worker: its tables, and what it
// takes a block apart into.
func codecSize(l Level) int64 {
	const parts = 1 << 20
	switch l {
	case LevelElide:
		return 0
	case LevelFast:
		return 640 << 10
	case LevelFastest:
		return parts + 64<<10
	case LevelDefault:
		return parts + 384<<10
	case LevelBetter:
		return parts + 1536<<10
	case LevelBest:
		return parts + 2176<<10
	}
	// Auto may come to use all of them; those of zstd have one memory.
	return codecSize(LevelFast) + codecSize(LevelBest)
}
