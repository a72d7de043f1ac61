package pipe

import (
	stderrors "errors"
	"fmt"
	"io"
	"time"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/xio"
)

// ErrAborted is what a [Compressor] says after Abort.
var ErrAborted = stderrors.New("aborted: stream left without a seal")

// Compressor is a filter that writes a sealed stream: what is written to it
// leaves compressed, one write for each frame. The stream is complete only
// after Close has returned nil.
//
// If the payload did not come to its proper end, call Abort before Close; a
// reader's error inside ReadFrom does the same. io.Copy gets there by itself
// only where it uses ReadFrom: after any failed copy call Abort.
type Compressor struct {
	w     io.Writer
	enc   frameEncoder
	chunk int
	limit int // of frames, spec §9; a field so that a test can reach it
	meter meter

	pool *bufpool.Pool
	in   *bufpool.Buffer // the chunk that is being filled
	out  *bufpool.Buffer // the frame that leaves next

	fold    zst.Fold
	table   zst.Table
	started bool  // the header is in out, or has left
	sealed  bool  // Close succeeded
	err     error // sticky
}

var (
	_ io.WriteCloser = (*Compressor)(nil)
	_ io.ReaderFrom  = (*Compressor)(nil)
)

// maxHeaderFrame is more than the header that a Compressor writes needs.
const maxHeaderFrame = 128

// NewCompressor makes a Compressor that writes to w. It writes nothing yet.
// It fails with [frame.ErrMisuse] if an option is out of range.
func NewCompressor(w io.Writer, opts ...Option) (*Compressor, error) {
	cfg := compressorConfig{chunk: DefaultChunk}
	for _, opt := range opts {
		if err := opt(&cfg); err != nil {
			return nil, err
		}
	}
	enc, err := newFrameEncoder(cfg.chunk)
	if err != nil {
		return nil, errors.Wrap(err, "set up the encoder")
	}
	// One size serves for what comes in and for what goes out.
	size := maxHeaderFrame + zst.MaxFrameSize(cfg.chunk)
	pool := bufpool.New(size, size)
	return &Compressor{
		w: w, enc: enc, chunk: cfg.chunk, limit: zst.MaxFrames,
		meter: meter{start: time.Now()},
		pool:  pool, in: pool.Get(), out: pool.Get(),
	}, nil
}

// Write takes p into the stream. p is not kept. It fails with the sticky error,
// or with [frame.ErrMisuse] after Close.
func (c *Compressor) Write(p []byte) (int, error) {
	if err := c.usable("Write"); err != nil {
		return 0, err
	}
	n := 0
	for n < len(p) {
		k, err := c.take(p[n:])
		if err != nil {
			return n, err
		}
		n += k
	}
	return n, nil
}

// take takes some of p: a whole chunk where it lies, if nothing waits before
// it, and otherwise a copy of what fits.
func (c *Compressor) take(p []byte) (int, error) {
	if len(c.in.B) == 0 && len(p) >= c.chunk {
		return c.chunk, c.emit(p[:c.chunk])
	}
	k := min(len(p), c.chunk-len(c.in.B))
	c.in.B = append(c.in.B, p[:k]...)
	return k, c.emitFull()
}

// ReadFrom takes everything from r up to its end of file, reading straight into
// the chunk. It gives the number of bytes read. An error of r sticks, so that
// the stream is never sealed; errors.Is finds it.
func (c *Compressor) ReadFrom(r io.Reader) (int64, error) {
	if err := c.usable("ReadFrom"); err != nil {
		return 0, err
	}
	total := int64(0)
	for {
		free := c.in.B[len(c.in.B):c.chunk]
		n, err := xio.ReadSome(r, free)
		c.in.B = c.in.B[:len(c.in.B)+n]
		total += int64(n)
		if err != nil && err != io.EOF {
			offset := c.meter.in.Load() + int64(len(c.in.B))
			return total, c.fail(errors.Wrapf(err, "read input at offset %d", offset))
		}
		if failed := c.emitFull(); failed != nil {
			return total, failed
		}
		if err == io.EOF {
			return total, nil
		}
	}
}

// emitFull emits the chunk that is being filled if it is full.
func (c *Compressor) emitFull() error {
	if len(c.in.B) < c.chunk {
		return nil
	}
	return c.emitFilled()
}

// emitFilled emits the chunk that is being filled as it is.
func (c *Compressor) emitFilled() error {
	if err := c.emit(c.in.B); err != nil {
		return err
	}
	c.in.B = c.in.B[:0]
	return nil
}

// emit makes a data frame of content and writes it out.
func (c *Compressor) emit(content []byte) error {
	c.start(content)
	// The final seal needs an entry in the table too.
	if c.table.Len() >= c.limit-1 {
		return c.fail(fmt.Errorf("more than %d frames: use a larger chunk: %w", c.limit, frame.ErrTooLarge))
	}
	out, made := c.enc.encode(c.out.B, content)
	c.out.B = out
	c.fold.Add(made.item)
	c.table.Add(made.entry)
	c.meter.in.Add(int64(len(content)))
	c.meter.frames.Add(1)
	return c.flush()
}

// start puts the header in front of the first frame. The first chunk tells what
// the payload is.
func (c *Compressor) start(content []byte) {
	if c.started {
		return
	}
	c.started = true
	h := zst.Header{Chunk: uint32(c.chunk), Payload: recognise(content)}
	c.out.B = zst.AppendHeader(c.out.B, h)
	c.table.Add(zst.SkippableEntry(len(c.out.B)))
}

// flush writes out what is in out.
func (c *Compressor) flush() error {
	err := c.write(c.out.B)
	if err == nil {
		c.out.B = c.out.B[:0]
	}
	return err
}

// write writes b to the destination, and fails if not all of it is taken.
func (c *Compressor) write(b []byte) error {
	n, err := c.w.Write(b)
	if err == nil && n != len(b) {
		err = io.ErrShortWrite
	}
	offset := c.meter.out.Add(int64(max(0, min(n, len(b)))))
	if err != nil {
		return c.fail(errors.Wrapf(err, "write output at offset %d", offset))
	}
	return nil
}

// Close writes the rest, the final seal and the seek table, and lets go of the
// buffers. It leaves w open. After a failure or Abort it writes nothing and
// returns the sticky error. After success further calls return nil.
func (c *Compressor) Close() error {
	if c.sealed || c.err != nil {
		return c.err
	}
	if len(c.in.B) > 0 {
		if err := c.emitFilled(); err != nil {
			return err
		}
	}
	c.start(nil)
	c.out.B = zst.AppendSeal(c.out.B, c.fold.Seal(true))
	c.table.Add(zst.SkippableEntry(zst.SealFrameSize))
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.write(c.table.Finish()); err != nil {
		return err
	}
	c.sealed = true
	c.release()
	return nil
}

// Abort gives the stream up: what waits is dropped, and no seal is ever
// written. It does nothing after Close or after a failure.
func (c *Compressor) Abort() {
	if !c.sealed && c.err == nil {
		_ = c.fail(ErrAborted)
	}
}

// Stats says what was done so far. It may be called at any time, from any
// goroutine. BytesIn counts what is in frames already.
func (c *Compressor) Stats() Stats { return c.meter.stats() }

// usable says why no more payload can be taken.
func (c *Compressor) usable(call string) error {
	if c.sealed {
		return fmt.Errorf("%s after Close: %w", call, frame.ErrMisuse)
	}
	return c.err
}

// fail makes err stick and lets go of the buffers.
func (c *Compressor) fail(err error) error {
	c.err = err
	c.release()
	return err
}

func (c *Compressor) release() {
	c.meter.stop()
	c.enc.close()
	c.pool.Put(c.in)
	c.pool.Put(c.out)
	c.in, c.out = nil, nil
	c.table = zst.Table{}
}
