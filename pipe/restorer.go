package pipe

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
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
	// Payload is what the header of a sealed stream, or the first bytes of raw
	// input, say that the payload is; empty for foreign streams.
	Payload zst.Payload `json:"payload"`
	// Frames counts the data frames that were decoded so far.
	Frames int64 `json:"frames"`
}

// Restorer is a filter that reads what a [Compressor] wrote and gives the
// payload, see spec §10 and §11. It also takes foreign zstd and known raw
// payloads; Info tells which.
//
// io.EOF means that everything was verified, up to the end of the input. Until
// then the last chunk is held back, and after any error nothing more is given.
type Restorer struct {
	in    input
	out   holdback
	cfg   restoreConfig
	info  Info
	meter meter

	mode    mode          // nil until the first bytes are seen
	dec     *zstd.Decoder // nil until the first data frame
	index   int           // of the frame that is being read
	decoded int64
	closed  bool
	err     error // sticky; io.EOF after everything was verified
}

var (
	_ io.ReadCloser = (*Restorer)(nil)
	_ io.WriterTo   = (*Restorer)(nil)
)

// mode is how one kind of input is read. step decodes a little more of it into
// the queue. It gives io.EOF once the input has ended and was verified.
type mode interface{ step(*Restorer) error }

// NewRestorer makes a Restorer that reads r to its end, and reads ahead. It
// reads nothing yet. It fails with [frame.ErrMisuse] if an option is out of
// range.
func NewRestorer(r io.Reader, opts ...RestoreOption) (*Restorer, error) {
	cfg := defaultRestore()
	for _, opt := range opts {
		if err := opt.restore(&cfg); err != nil {
			return nil, err
		}
	}
	rs := &Restorer{cfg: cfg, meter: meter{start: time.Now()}}
	rs.in = newInput(r, &rs.meter)
	return rs, nil
}

// Read gives the payload. Its errors stick: io.EOF after success;
// io.ErrUnexpectedEOF if the input was cut; [frame.ErrCorrupt],
// [frame.ErrTooLarge] or [frame.ErrUnsupported] if it is bad or not allowed;
// the source's own error; [frame.ErrMisuse] after Close.
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

// next gives bytes that may leave, decoding as far as is needed for that.
func (r *Restorer) next() ([]byte, error) {
	for {
		// A failure has dropped the queue, and success has opened it.
		if b := r.out.ready(); len(b) > 0 {
			return b, nil
		}
		if r.err != nil {
			return nil, r.err
		}
		switch err := r.step(); err {
		case nil:
		case io.EOF:
			r.err = io.EOF
			r.out.open()
			r.meter.stop()
		default:
			return nil, r.fail(err)
		}
	}
}

// let counts n bytes that have left.
func (r *Restorer) let(n int) {
	r.out.release(n)
	r.meter.out.Add(int64(n))
}

func (r *Restorer) step() error {
	if r.mode == nil {
		return r.begin()
	}
	return r.mode.step(r)
}

// begin finds out by the first bytes what the input is.
func (r *Restorer) begin() error {
	b, err := r.in.peek(recogniseSize)
	if err != nil && err != io.EOF {
		return err
	}
	kind, payload := identify(b)
	switch {
	case kind == Sealed:
		return r.beginSealed()
	case kind == Foreign:
		r.start(kind, DefaultChunk, &foreign{})
	case kind == Unknown: // too short to tell
		return r.cut("input", len(b))
	case payload == zst.PayloadOpaque && !r.cfg.force:
		return &frame.Error{
			Layer: zst.Layer, Index: frame.NoIndex, Rule: "TR-96", Err: frame.ErrCorrupt,
			What: "neither zstd nor a known payload",
		}
	default:
		r.info.Payload = payload
		r.start(kind, DefaultChunk, raw{})
	}
	return nil
}

// identify tells by the first bytes what the input is. It gives Unknown for the
// beginning of a frame's magic with nothing behind it.
func identify(b []byte) (Kind, zst.Payload) {
	if len(b) >= 4 {
		switch magic := binary.LittleEndian.Uint32(b); {
		case magic == zst.MagicOwn:
			return Sealed, ""
		case magic == zst.MagicFrame || zst.IsSkippable(magic):
			return Foreign, ""
		}
		return Raw, recognise(b)
	}
	ordinary := begins([]byte("\x28\xb5\x2f\xfd"), string(b))
	skippable := len(b) > 0 && b[0]&0xf0 == 0x50 && begins([]byte("\x2a\x4d\x18"), string(b[1:]))
	if ordinary || skippable {
		return Unknown, ""
	}
	return Raw, zst.PayloadOpaque
}

// start settles what the input is and how much is held back.
func (r *Restorer) start(kind Kind, hold int, m mode) {
	r.info.Kind, r.info.Chunk = kind, hold
	r.out = newHoldback(hold)
	r.mode = m
}

// Info says what is known about the input by now.
func (r *Restorer) Info() Info {
	info := r.info
	info.Frames = r.meter.frames.Load()
	return info
}

// Stats says what was done so far. It may be called at any time, from any
// goroutine.
func (r *Restorer) Stats() Stats { return r.meter.stats() }

// Close lets go of the buffers. It leaves the source open, always returns nil,
// and says nothing about success: only io.EOF from Read, or nil from WriteTo,
// does.
func (r *Restorer) Close() error {
	if !r.closed {
		r.closed = true
		if r.err == nil || r.err == io.EOF {
			_ = r.fail(fmt.Errorf("read after Close: %w", frame.ErrMisuse))
		}
	}
	return nil
}

// fail makes err stick and drops everything that is held.
func (r *Restorer) fail(err error) error {
	r.err = err
	r.meter.stop()
	r.in.release()
	r.out.drop()
	if r.dec != nil {
		r.dec.Close()
		r.dec = nil
	}
	return err
}

// need gives n bytes of the frame that is being read, or more, without using
// them up.
func (r *Restorer) need(n int, record string) ([]byte, error) {
	b, err := r.in.peek(n)
	if len(b) >= n {
		return b, nil
	}
	if err == io.EOF {
		return nil, r.cut(record, len(b))
	}
	return nil, err
}

// cut says that the input ends n bytes from here.
func (r *Restorer) cut(record string, n int) error {
	rule := frame.Rule("TR-62")
	if r.info.Kind == Foreign {
		rule = "TR-93"
	}
	return &frame.Error{
		Layer: zst.Layer, Offset: r.in.off + int64(n), Index: r.index, Record: record,
		Rule: rule, What: "input ends before the stream does", Err: io.ErrUnexpectedEOF,
	}
}

// bad says that the frame at hand breaks a rule.
func (r *Restorer) bad(record string, rule frame.Rule, what string, cause error) *frame.Error {
	return &frame.Error{
		Layer: zst.Layer, Offset: r.in.off, Index: r.index, Record: record,
		Rule: rule, What: what, Err: cause,
	}
}

// tooLarge says that the frame at hand exceeds a limit.
func (r *Restorer) tooLarge(record, what string, limit, got any) error {
	e := r.bad(record, "TR-80", what, frame.ErrTooLarge)
	e.Wanted, e.Got = fmt.Sprintf("at most %v", limit), fmt.Sprint(got)
	return e
}

// place adds to an error of package zst where in the stream the bytes stand
// that it was given: n bytes into what is at hand.
func (r *Restorer) place(err error, n int) error {
	if err == nil {
		return nil
	}
	var e *frame.Error
	if errors.As(err, &e) {
		e.Offset += r.in.off + int64(n)
		e.Index = r.index
	}
	return err
}

// passed counts a whole frame that was read, and refuses one too many.
func (r *Restorer) passed() error {
	r.index++
	if int64(r.index) > r.cfg.maxFrames {
		return r.tooLarge("", "too many frames", r.cfg.maxFrames, "more")
	}
	return nil
}

// admit counts content that is about to be decoded, and refuses too much.
func (r *Restorer) admit(n int64) error {
	if n > r.cfg.maxOutput-r.decoded {
		return r.tooLarge("data frame", "too much output", r.cfg.maxOutput, "more")
	}
	r.decoded += n
	return nil
}
