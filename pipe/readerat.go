package pipe

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/xio"
)

// ReaderAt reads any part of the payload of a sealed stream, by the seek table
// at its end, see spec §15.
//
// It promises less than a [Restorer]. Header, final seal and seek table are
// verified when it is made, and agree with each other; a frame is verified by its
// own checksum and its entry when it is read. The seal's digest, which is over
// all frames, is not, and what is never read is never looked at: neither a frame
// that stands in the place of another one of the same size and checksum is found
// out, nor two entries of the table that are wrong and make up for each other, so
// that the frames between them seem to stand elsewhere in the payload. Restore the
// whole stream where that matters.
//
// It may be used from several goroutines at once, and decodes as many frames at
// a time as it has workers. The frame that was decoded last is kept, so that
// small reads one after the other decode each frame once. Memory: a frame and
// its content for each worker, the content that is kept, and 13 bytes for each
// frame of the stream.
//
// An error concerns the range that was asked for; other ranges may still be
// good.
type ReaderAt struct {
	cfg    restoreConfig
	ctx    context.Context // done after Close, or when the caller's is
	cancel context.CancelCauseFunc
	src    sourceAt
	info   Info
	index  index

	pools pools
	dec   *decoder
	lanes chan *part // one for each frame that may be decoded at once
	meter meter

	mu     sync.RWMutex // of last: to copy from it, or to change it
	last   content
	closed atomic.Bool
}

// content is what a frame holds, and where in the payload that begins.
type content struct {
	at  int64
	buf *bufpool.Buffer // nil if there is none
}

var (
	_ io.ReaderAt = (*ReaderAt)(nil)
	_ io.Closer   = (*ReaderAt)(nil)
)

// NewReaderAt makes a ReaderAt of the sealed stream that is in the first size
// bytes of r, and reads its header, seal and seek table. What the options limit
// is compared before anything is allocated on the stream's account; those on
// foreign and raw input have no effect.
//
// It fails with [frame.ErrUnsupported] if r holds anything but a stream of
// ctxpipe; with io.ErrUnexpectedEOF if it is cut; with [frame.ErrCorrupt],
// [frame.ErrTooLarge] or r's own error, as a Restorer does; and with
// [frame.ErrMisuse] if an option is out of range.
func NewReaderAt(r io.ReaderAt, size int64, opts ...RestoreOption) (*ReaderAt, error) {
	cfg, err := restoreConfigOf(opts)
	if err != nil {
		return nil, err
	}
	if err := cfg.fit(); err != nil {
		return nil, err
	}
	if size < 0 {
		return nil, fmt.Errorf("NewReaderAt: a size of %d: %w", size, frame.ErrMisuse)
	}
	ra := &ReaderAt{cfg: cfg}
	ra.ctx, ra.cancel = context.WithCancelCause(cfg.ctx)
	ra.meter.reset()
	ra.src = sourceAt{r: r, size: size, meter: &ra.meter}
	if err := ra.open(); err != nil {
		ra.cancel(err)
		return nil, err
	}
	largest := zst.MaxFrameSize(ra.info.Chunk) + slack
	ra.pools = pools{in: bufpool.New(0, largest), out: bufpool.New(0, largest)}
	ra.dec = &decoder{workers: cap(ra.lanes), limit: cfg.decodeLimit()}
	return ra, nil
}

// Size gives the size of the payload in bytes.
func (r *ReaderAt) Size() int64 { return r.index.content }

// Info says what is known about the stream. Its Frames are those decoded so far,
// however often.
func (r *ReaderAt) Info() Info {
	info := r.info
	info.Frames = r.meter.frames.Load()
	return info
}

// Stats says what was done so far.
func (r *ReaderAt) Stats() Stats { return r.meter.stats() }

// ReadAt reads the payload at off, as [io.ReaderAt] says: it fills p, or says why
// it does not; at the end of the payload with io.EOF. All bytes that it counts
// come from verified frames. Errors are those of a Restorer; [frame.ErrMisuse]
// for an offset below 0, and after Close.
func (r *ReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if r.ctx.Err() != nil {
		return 0, r.stopped()
	}
	if off < 0 {
		return 0, fmt.Errorf("ReadAt: an offset of %d: %w", off, frame.ErrMisuse)
	}
	n := 0
	for n < len(p) && off+int64(n) < r.Size() {
		m, err := r.some(p[n:], off+int64(n))
		n += m
		r.meter.out.Add(int64(m))
		if err != nil {
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// some reads what one frame has.
func (r *ReaderAt) some(p []byte, off int64) (int, error) {
	if n := r.kept(p, off); n > 0 {
		return n, nil
	}
	var lane *part
	select {
	case lane = <-r.lanes:
	case <-r.ctx.Done():
		return 0, r.stopped()
	}
	defer func() { r.lanes <- lane }()
	// Somebody may have decoded the frame meanwhile.
	if n := r.kept(p, off); n > 0 {
		return n, nil
	}
	c, err := r.frame(lane, off)
	if err != nil {
		return 0, err
	}
	n := copy(p, c.buf.B[off-c.at:])
	r.keep(c)
	return n, nil
}

// stopped says why nothing is read any more.
func (r *ReaderAt) stopped() error {
	if r.closed.Load() {
		return errAfterClose
	}
	return errors.Wrap(context.Cause(r.ctx), "stopped")
}

// kept reads from the frame that was decoded last, and gives 0 if off is not in
// it.
func (r *ReaderAt) kept(p []byte, off int64) int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c := r.last
	if c.buf == nil || off < c.at || off-c.at >= int64(len(c.buf.B)) {
		return 0
	}
	return copy(p, c.buf.B[off-c.at:])
}

// keep keeps the content of a frame instead of the last one.
func (r *ReaderAt) keep(c content) {
	r.mu.Lock()
	c, r.last = r.last, c
	r.mu.Unlock()
	if c.buf != nil {
		r.pools.out.Put(c.buf)
	}
}

// frame reads and decodes the frame that has the payload's byte at off.
func (r *ReaderAt) frame(p *part, off int64) (content, error) {
	i, wire, at := r.index.find(off)
	e := r.index.entries[i]
	p.place = place{wire, i}
	in := r.pools.in.GetSize(int(e.Compressed))
	defer r.pools.in.Put(in)
	p.frame = in.B[:e.Compressed]
	err := r.src.read(p.frame, p.place)
	if err == nil {
		err = r.judge(p, e)
	}
	if err == nil {
		r.dec.decode(p, r.pools.out)
		err = p.err
	}
	out := p.out
	*p = part{}
	if err != nil {
		if out != nil {
			r.pools.out.Put(out)
		}
		return content{}, err
	}
	r.meter.frames.Add(1)
	return content{at, out}, nil
}

// Close lets go of the buffers, once all reads that are under way have ended. It
// leaves the source open and always returns nil.
func (r *ReaderAt) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	r.cancel(errAfterClose)
	for range cap(r.lanes) {
		<-r.lanes
	}
	r.keep(content{})
	r.dec.close()
	r.meter.stop()
	return nil
}

// sourceAt reads the stream at any place.
type sourceAt struct {
	r     io.ReaderAt
	size  int64
	meter *meter
}

// read fills b with what stands at a place.
func (s sourceAt) read(b []byte, at place) error {
	n, err := s.r.ReadAt(b, at.off)
	if n < 0 || n > len(b) || n < len(b) && err == nil {
		n, err = 0, xio.ErrCount
	}
	s.meter.in.Add(int64(n))
	at.off += int64(n)
	switch {
	case n == len(b):
		return nil
	case err == io.EOF:
		return at.bad("", "TR-62", "input ends before the stream does", io.ErrUnexpectedEOF)
	}
	return errors.Wrapf(err, "read input at offset %d", at.off)
}
