package pipe

import (
	"context"
	stderrors "errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/vecio"
	"github.com/ctxpipe/ctxpipe/internal/xio"
)

// ErrAborted is what a [Compressor] says after Abort.
var ErrAborted = stderrors.New("aborted: stream left without a seal")

// Compressor is a filter that writes a sealed stream: what is written to it
// leaves compressed, one write for each frame. The stream is complete only
// after Close has returned nil.
//
// Chunks are compressed by several workers at once and leave in order. Memory
// is bounded: two buffers of a chunk for each worker and two more, and what
// the encoder keeps for each worker, one to four MiB.
//
// If the payload did not come to its proper end, call Abort before Close; a
// reader's error inside ReadFrom does the same. io.Copy gets there by itself
// only where it uses ReadFrom: after any failed copy call Abort.
//
// Every Compressor that was written to has to be ended by Close or Abort, which
// wait for a write that is under way; after that none of its goroutines is
// left.
type Compressor struct {
	cfg   compressConfig
	limit int // of frames, spec §9; a field so that a test can reach it
	meter meter

	ctx    context.Context // done after the first failure, which is its cause
	cancel context.CancelCauseFunc
	line   line
	watch  follower

	// A live stream is filled by its caller and let go by its pauses.
	mu       sync.Mutex
	filled   *job // the chunk that is being filled; nil if none is
	taking   bool // the caller waits for one
	unsealed bool // a frame was sent without a seal behind it
	started  bool // the header was put in front of a frame, or written
	pauses   pauses

	// These belong to the line's writer while the line runs.
	fold  zst.Fold
	table zst.Table

	taken  int64 // bytes of the payload
	sealed bool  // Close succeeded
}

var (
	_ io.WriteCloser = (*Compressor)(nil)
	_ io.ReaderFrom  = (*Compressor)(nil)
)

// NewCompressor makes a Compressor that writes to w. It writes nothing yet, and
// starts nothing. It fails with [frame.ErrMisuse] if an option is out of range.
func NewCompressor(w io.Writer, opts ...Option) (*Compressor, error) {
	cfg := defaultCompress()
	for _, opt := range opts {
		if err := opt.compress(&cfg); err != nil {
			return nil, err
		}
	}
	if err := cfg.settle(); err != nil {
		return nil, err
	}
	c := &Compressor{cfg: cfg, limit: zst.MaxFrames, pauses: pauses{after: cfg.live}}
	if err := c.line.init(cfg); err != nil {
		return nil, err
	}
	c.Reset(w)
	return c, nil
}

// Reset makes c ready for another stream, to w, with the options that it has.
// What was not sealed before is given up, as by Abort.
func (c *Compressor) Reset(w io.Writer) {
	if c.ctx != nil {
		c.Abort()
	}
	c.meter.reset()
	c.line.vec = vecio.NewWriter(w)
	c.line.levels = newChooser(c.cfg)
	c.ctx, c.cancel = context.WithCancelCause(c.cfg.ctx)
	c.fold, c.table = zst.Fold{}, zst.Table{}
	c.watch = newFollower(c.cfg.check, &c.meter)
	c.taken, c.started, c.unsealed, c.sealed = 0, false, false, false
}

// Write takes p into the stream. p is not kept. It fails with the sticky error,
// or with [frame.ErrMisuse] after Close.
func (c *Compressor) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		free, err := c.free("Write")
		if err != nil {
			return n, err
		}
		k := copy(free, p[n:])
		n += k
		if err := c.fill(k); err != nil {
			return n, err
		}
	}
	return n, c.usable("Write")
}

// ReadFrom takes everything from r up to its end of file, reading straight into
// the chunk. It gives the number of bytes read. An error of r sticks, so that
// the stream is never sealed; errors.Is finds it.
func (c *Compressor) ReadFrom(r io.Reader) (int64, error) {
	total := int64(0)
	for {
		free, err := c.free("ReadFrom")
		if err != nil {
			return total, err
		}
		n, err := xio.ReadSome(r, free)
		total += int64(n)
		if err := c.fill(n); err != nil {
			return total, err
		}
		switch {
		case err == io.EOF:
			return total, nil
		case err != nil:
			return total, c.fail(errors.Wrapf(err, "read input at offset %d", c.taken))
		}
	}
}

// Flush makes everything that was taken leave, in a frame that may be short, and in a
// live stream with a seal behind it, and returns when it has been written.
func (c *Compressor) Flush() error {
	if err := c.usable("Flush"); err != nil {
		return err
	}
	live := c.cfg.live > 0
	if live {
		if _, err := c.free("Flush"); err != nil { // a seal may have to leave alone
			return err
		}
	}
	c.emit(live)
	if !c.line.allHome(c.ctx) {
		return c.fail(nil)
	}
	return nil
}

// Close writes the rest, the final seal and the seek table, and lets go of the
// buffers. It leaves w open. It fails if the payload is a save stream that ended
// too early, see [WithCheck]. After a failure or Abort it writes nothing and
// returns the sticky error. After success further calls return nil.
func (c *Compressor) Close() error {
	if c.sealed {
		return nil
	}
	if c.ctx.Err() != nil {
		return c.fail(nil)
	}
	if err := c.closePayload(); err != nil {
		return c.fail(err)
	}
	c.emit(false)
	c.pauses.stop()
	c.line.stop()
	// A context tells ours a moment after everybody else. A source that ended for
	// its sake must not pass for one that came to its end.
	if c.cfg.ctx.Err() != nil {
		c.cancel(context.Cause(c.cfg.ctx))
	}
	if c.ctx.Err() != nil {
		return c.fail(nil)
	}
	if err := c.seal(); err != nil {
		return c.fail(err)
	}
	c.sealed = true
	c.release()
	return nil
}

// closePayload demands that the payload has come to its end.
func (c *Compressor) closePayload() error {
	if err := c.watch.close(); err != nil || c.cfg.live == 0 {
		return err
	}
	return c.watch.judgeLiveEnd("TR-53")
}

// seal writes what ends a stream.
func (c *Compressor) seal() error {
	var end []byte
	if !c.started {
		end = c.appendHeader(end, nil)
		c.enterHeader(len(end))
	}
	at := len(end)
	seal := c.fold.Seal(true)
	for _, n := range c.meter.stats().Levels {
		seal.Levels = append(seal.Levels, uint64(n))
	}
	end = zst.AppendSeal(end, seal)
	c.table.Add(zst.EmptyEntry(len(end) - at))
	return c.write([][]byte{end, c.table.Finish()})
}

// Abort gives the stream up: what waits is dropped, and no seal is ever
// written. It does nothing after Close or after a failure.
func (c *Compressor) Abort() {
	if !c.sealed {
		_ = c.fail(ErrAborted)
	}
}

// Stats says what was done so far. It may be called at any time, from any
// goroutine, but not during Reset. BytesIn counts what has left in frames.
func (c *Compressor) Stats() Stats { return c.meter.stats() }

// now is the time since the start.
func (c *Compressor) now() time.Duration { return c.meter.now() }

// free gives room for at least one byte of the chunk that is being filled.
func (c *Compressor) free(call string) ([]byte, error) {
	if err := c.usable(call); err != nil {
		return nil, err
	}
	if !c.ready() {
		return nil, c.fail(nil)
	}
	b := c.filled.in.B
	return b[len(b):c.cfg.chunk], nil
}

// ready sees to it that there is a chunk to be filled, with room. It returns false if the
// context is done before there is one.
func (c *Compressor) ready() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j := c.filled; j != nil {
		if j.from == len(j.in.B) {
			j.in.B, j.from = j.in.B[:0], 0
		}
		return true
	}
	c.taking = true
	c.mu.Unlock()
	j := c.line.take(c)
	c.mu.Lock()
	c.filled, c.taking = j, false
	return j != nil
}

// fill takes n bytes of what free gave, and emits the chunk when it is full. It
// fails if the payload breaks a rule.
func (c *Compressor) fill(n int) error {
	c.taken += int64(n)
	if err := c.follow(n); err != nil {
		return c.fail(err)
	}
	return nil
}

func (c *Compressor) follow(n int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := c.filled.in
	had := len(in.B)
	in.B = in.B[:had+n]
	err := c.watch.write(in.B[had:])
	if err == nil && c.cfg.live > 0 {
		err = c.watch.judgeLive("TR-53")
	}
	if err != nil {
		return err
	}
	c.pauses.given(c)
	ended := c.cfg.live > 0 && c.watch.complete()
	if ended || len(in.B) == c.cfg.chunk {
		c.emitLocked(ended)
	}
	return nil
}

// emit sends the chunk that is being filled down the line, as it is.
func (c *Compressor) emit(seal bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.emitLocked(seal)
}

func (c *Compressor) emitLocked(seal bool) {
	if j := c.filled; j != nil {
		c.filled = nil
		c.send(j, seal)
	}
}

// send sends a job down the line, with a seal behind it if that is asked for; or home if
// nothing would leave.
func (c *Compressor) send(j *job, seal bool) {
	j.content, j.seal = j.in.B[j.from:], seal
	j.size = len(j.content)
	switch {
	case j.size == 0 && !(seal && c.unsealed):
		c.line.goHome(j)
		return
	case !c.started:
		j.header = c.appendHeader(j.header, j.content)
	}
	c.unsealed = !seal
	c.line.send(c, j)
}

// appendHeader appends the header, and the lock if the wire has one. The first
// chunk tells what the payload is.
func (c *Compressor) appendHeader(dst, content []byte) []byte {
	c.started = true
	h := zst.Header{Chunk: uint32(c.cfg.chunk), Payload: recognise(content), Wire: c.cfg.wire}
	if c.cfg.live > 0 {
		h.Live, h.Format = true, zst.FormatLive
		if h.Payload == zst.PayloadOpaque {
			h.Payload = "" // too early to say
		}
	}
	dst = zst.AppendHeader(dst, h)
	if c.cfg.wire == zst.WireCtxpipe {
		dst = zst.AppendLock(dst)
	}
	return dst
}

// enterHeader enters what appendHeader has appended into the table.
func (c *Compressor) enterHeader(size int) {
	if c.cfg.wire == zst.WireCtxpipe {
		size -= zst.LockSize
		defer c.table.Add(zst.EmptyEntry(zst.LockSize))
	}
	c.table.Add(zst.EmptyEntry(size))
}

// leave writes a frame out, with the header if that stands in front of it and the seal if
// that stands behind it.
func (c *Compressor) leave(j *job) error {
	if j.made.err != nil {
		return errors.Wrapf(j.made.err, "frame at offset %d", c.meter.in.Load())
	}
	// The final seal needs an entry in the table too.
	if c.table.Len()+j.frames() > c.limit-1 {
		return fmt.Errorf("more than %d frames: use a larger chunk: %w", c.limit, frame.ErrTooLarge)
	}
	if len(j.header) > 0 {
		c.enterHeader(len(j.header))
	}
	if j.size > 0 {
		c.fold.Add(j.made.item)
		c.table.Add(j.made.entry)
	}
	if j.seal {
		j.sealed = zst.AppendSeal(j.sealed[:0], c.fold.Seal(false))
		c.table.Add(zst.EmptyEntry(len(j.sealed)))
		j.made.vec = append(j.made.vec, j.sealed)
	}
	if err := c.write(j.made.vec); err != nil {
		return err
	}
	c.meter.count(j)
	return nil
}

// write writes vec to the destination, and fails if not all of it is taken. It
// consumes vec.
func (c *Compressor) write(vec [][]byte) error {
	n, err := c.line.vec.WriteVec(vec)
	offset := c.meter.out.Add(n)
	if err != nil {
		return errors.Wrapf(err, "write output at offset %d", offset)
	}
	return nil
}

// usable says why no more payload can be taken.
func (c *Compressor) usable(call string) error {
	if c.sealed {
		return fmt.Errorf("%s after Close: %w", call, frame.ErrMisuse)
	}
	if c.ctx.Err() != nil {
		return c.fail(nil)
	}
	return nil
}

// fail makes err stick, unless something else did before, stops everything and
// returns what sticks. A nil err is for whoever found the context done.
func (c *Compressor) fail(err error) error {
	if err != nil {
		c.cancel(err)
	}
	c.release()
	return context.Cause(c.ctx)
}

// release stops the line and lets go of the buffers.
func (c *Compressor) release() {
	c.pauses.stop()
	c.line.stop()
	c.line.drop(c.filled)
	c.filled = nil
	c.meter.stop()
	c.table = zst.Table{}
	if c.sealed {
		c.cancel(nil) // lets go of the parent
	}
}
