package pipe

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// A Kind is what a [Restorer] found its input to be.
type Kind int

// The kinds of input.
const (
	// Unknown: nothing was read yet.
	Unknown Kind = iota
	// Sealed: a stream of ctxpipe, spec §2. Every promise holds.
	Sealed
	// Foreign: other zstd, spec §13. Only zstd's own checks applied.
	Foreign
	// Raw: not compressed, passed on unchanged, spec §14. Nothing is checked.
	Raw
)

// String gives the kind in lower case.
func (k Kind) String() string {
	switch k {
	case Sealed:
		return "sealed"
	case Foreign:
		return "foreign"
	case Raw:
		return "raw"
	}
	return "unknown"
}

// MarshalText gives the kind as String does.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Info says what a [Restorer] knows about its input.
type Info struct {
	// Kind is Unknown until the first bytes were read.
	Kind Kind `json:"kind"`
	// Chunk is the number of bytes that are held back: the chunk of a sealed
	// stream, DefaultChunk for all other input.
	Chunk int `json:"chunk"`
	// Payload is what the payload is by its first bytes; before they were seen, what
	// the header of a sealed stream says, and empty for foreign streams.
	Payload zst.Payload `json:"payload"`
	// Wire says who can read a sealed stream.
	Wire zst.Wire `json:"wire"`
	// Live says that the seals of a sealed stream let out what stands before them.
	Live bool `json:"live"`
	// Guarded says that the payload is a save stream of Xen whose end, from libxc's
	// END on, is held back until everything is verified: until io.EOF nobody can
	// start a guest with what was given. In a live stream it is held back until all of
	// the save stream is.
	Guarded bool `json:"guarded"`
	// End is how long the payload is, and of a live stream the save stream in it, once
	// all of that is verified and may leave; 0 until then.
	End int64 `json:"end"`
	// Frames counts the data frames that were decoded so far.
	Frames int64 `json:"frames"`
}

// Restorer is a filter that reads what a [Compressor] wrote and gives the
// payload, see spec §10 and §11. It also takes foreign zstd and known raw
// payloads; Info tells which.
//
// io.EOF means that everything was verified, up to the end of the input. Until
// then the last chunk is held back, and after any error nothing more is given.
//
// Frames are decoded by several workers at once; so are the frames of foreign
// zstd, if they have little content. A goroutine of its own reads the source, so
// that what is ready can be read while the source gives nothing. Memory is
// bounded, whatever the input: for each worker and one more the content of a frame, two frames and
// a quarter for each worker beyond two, twice the chunk for what is held back, and for
// foreign frames that have to be streamed about twice their window. [WithMemory] sets one figure for
// all of it.
//
// Every Restorer that was read from has to be closed. Close waits for nobody but
// workers; see there for a source that is stuck.
type Restorer struct {
	cfg   restoreConfig
	pools pools
	dec   *decoder

	src    *source
	intake *intake // nil until the first read
	out    holdback
	watch  follower
	info   Info
	fold   zst.Fold
	meter  meter

	decoded int64         // content of all parts so far
	passed  int64         // length of the save stream in a live stream, once its end was sealed
	mark    time.Duration // up to here the time was counted
	closed  bool
	err     error // sticky; io.EOF after everything was verified
}

var (
	_ io.ReadCloser = (*Restorer)(nil)
	_ io.WriterTo   = (*Restorer)(nil)
)

// NewRestorer makes a Restorer that reads r to its end, and reads ahead. It
// reads nothing yet, and starts nothing. It fails with [frame.ErrMisuse] if an
// option is out of range.
func NewRestorer(r io.Reader, opts ...RestoreOption) (*Restorer, error) {
	cfg, err := restoreConfigOf(opts)
	if err != nil {
		return nil, err
	}
	if err := cfg.fit(); err != nil {
		return nil, err
	}
	largest := max(cfg.maxChunk, wholeForeign)
	rs := &Restorer{cfg: cfg, pools: pools{
		in:  bufpool.New(inputSize, ringSize(largest, cfg.workers+spareParts)),
		out: bufpool.New(0, largest+slack),
	}}
	rs.Reset(r)
	return rs, nil
}

// Reset makes r ready for another input, with the options that it has. It ends
// what went on before as Close does.
func (r *Restorer) Reset(src io.Reader) {
	_ = r.fail(errAfterClose)
	r.src = &source{r: src}
	r.out.pool = r.pools.out
	r.out.begin()
	r.watch = newFollower(r.cfg.check, &r.meter)
	r.info, r.fold, r.decoded, r.passed, r.closed, r.err = Info{}, zst.Fold{}, 0, 0, false, nil
	if r.dec == nil {
		r.dec = &decoder{workers: r.cfg.workers, limit: r.cfg.decodeLimit()}
	}
	r.meter.reset()
	r.mark = 0
}

// Read gives the payload, as much as is ready, and waits only if none is. Its
// errors stick: io.EOF after success; io.ErrUnexpectedEOF if the input was cut;
// [frame.ErrCorrupt], [frame.ErrTooLarge] or [frame.ErrUnsupported] if it is bad
// or not allowed; the source's own error; the context's cause;
// [frame.ErrMisuse] after Close.
func (r *Restorer) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := r.next()
	if err != nil {
		return 0, err
	}
	n := copy(p, b)
	r.let(n)
	return n, nil
}

// WriteTo gives the rest of the payload to w, one write for each piece that is
// released, which is a whole chunk wherever the frames are. It returns nil
// only after everything was verified; otherwise errors are those of Read, or
// w's own.
func (r *Restorer) WriteTo(w io.Writer) (int64, error) {
	total := int64(0)
	for {
		b, err := r.next()
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := w.Write(b)
		if err == nil && n != len(b) {
			err = io.ErrShortWrite
		}
		n = max(0, min(n, len(b)))
		r.let(n)
		total += int64(n)
		if err != nil {
			return total, r.fail(errors.Wrapf(err, "write output at offset %d", r.meter.out.Load()))
		}
	}
}

// next gives bytes that may leave, taking in as much as is needed for that. The
// time since it last did so was the caller's.
func (r *Restorer) next() ([]byte, error) {
	r.mark = r.meter.wait(writer, r.mark)
	defer func() { r.mark = r.meter.now() }()
	for {
		// A failure has dropped the queue, and success has opened it.
		if b := r.out.ready(); len(b) > 0 {
			return b, nil
		}
		if r.err != nil {
			r.meter.stop()
			return nil, r.err
		}
		err := r.step()
		if err == io.EOF {
			err = r.finish()
		}
		if err != nil {
			return nil, r.fail(err)
		}
	}
}

// finish opens the queue, once the input has ended well, if the payload has too.
func (r *Restorer) finish() error {
	// As in Compressor.Close: the source may have ended for the context's sake.
	if r.cfg.ctx.Err() != nil {
		return errors.Wrap(context.Cause(r.cfg.ctx), "stopped")
	}
	if err := r.watch.close(); err != nil {
		return err
	}
	if r.info.Live {
		if err := r.watch.judgeLiveEnd("TR-76"); err != nil {
			return err
		}
	}
	r.end(io.EOF)
	r.out.open()
	return nil
}

// let counts n bytes that have left.
func (r *Restorer) let(n int) {
	r.out.release(n)
	r.meter.out.Add(int64(n))
}

// step takes one part of the input in.
func (r *Restorer) step() error {
	if r.intake == nil {
		r.intake = startIntake(r.src, &r.cfg, &r.meter, &r.pools, r.dec)
	}
	p, err := r.intake.next(&r.meter)
	if err != nil {
		return err
	}
	err = r.accept(p)
	r.intake.empty(p)
	return err
}

// accept verifies a part against those before it, and queues its content.
func (r *Restorer) accept(p *part) error {
	if p.err != nil {
		return p.err
	}
	switch p.kind {
	case partBegin:
		r.info = p.info
		r.out.hold = p.info.Chunk
	case partSeal:
		return r.seal(p)
	case partZstd, partFast:
		r.fold.Add(p.item)
		r.meter.frames.Add(1)
		return r.queue(p)
	case partContent:
		return r.queue(p)
	}
	return nil
}

// seal verifies a seal. In a live stream it lets out what stands before it.
func (r *Restorer) seal(p *part) error {
	if err := p.seal.Verify(r.fold.Seal(p.seal.Final)); err != nil {
		return p.place.add(err)
	}
	if !r.info.Live || p.seal.Final {
		return nil
	}
	r.out.seal()
	if r.watch.complete() {
		if r.passed == 0 {
			r.passed = r.decoded
		}
		r.out.guard(r.decoded)
	}
	return nil
}

// queue queues the content of a part, and refuses too much, or what breaks a rule
// of the payload.
func (r *Restorer) queue(p *part) error {
	r.decoded += int64(len(p.out.B))
	if r.decoded > r.cfg.maxOutput {
		return p.place.tooLarge(dataFrame, "too much output", r.cfg.maxOutput, "more")
	}
	err := r.watch.write(p.out.B)
	if err == nil && r.info.Live {
		err = r.watch.judgeLive("TR-76")
	}
	if err != nil {
		return err
	}
	r.out.take(p.out)
	p.out = nil
	if safe, yes := r.watch.guards(); yes && r.passed == 0 {
		r.out.guard(safe)
	}
	if r.out.guards() > r.cfg.holdLimit {
		return p.place.tooLarge("", "too much to hold back", r.cfg.holdLimit, "more")
	}
	return nil
}

// Info says what is known about the input by now.
func (r *Restorer) Info() Info {
	info := r.info
	info.Frames = r.meter.frames.Load()
	if kind := r.watch.kind(); kind != xen.Opaque {
		info.Payload = payloadOf(kind)
	}
	_, info.Guarded = r.watch.guards()
	switch {
	case r.passed > 0:
		info.End = r.passed
	case r.err == io.EOF:
		info.End = r.decoded
	}
	return info
}

// Stats says what was done so far. It may be called at any time, from any
// goroutine, but not during Reset.
func (r *Restorer) Stats() Stats { return r.meter.stats() }

// errAfterClose is what sticks after Close.
var errAfterClose = fmt.Errorf("read after Close: %w", frame.ErrMisuse)

// Close lets go of the buffers and ends the goroutines. It leaves the source
// open, always returns nil, and says nothing about success: only io.EOF from
// Read, or nil from WriteTo, does.
//
// A read of the source that is under way is ended by a deadline where the source
// has deadlines, as connections and os.Pipe do; the deadline is taken away again.
// Elsewhere Close does not wait for it: one goroutine stays until the source
// returns, and then ends without doing anything more.
func (r *Restorer) Close() error {
	if !r.closed {
		r.closed = true
		if r.err == nil || r.err == io.EOF {
			_ = r.fail(errAfterClose)
		}
		r.dec.close()
		r.dec = nil
	}
	return nil
}

// fail makes err stick and drops everything that is held.
func (r *Restorer) fail(err error) error {
	r.end(err)
	r.out.drop()
	r.meter.stop()
	return err
}

// end makes err stick and ends the goroutines.
func (r *Restorer) end(err error) {
	r.err = err
	if r.intake != nil {
		r.intake.stop(err)
		r.intake = nil
	}
}
