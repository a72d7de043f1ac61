package sink

import (
	"fmt"
	"io"
	"slices"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/vecio"
	"github.com/ctxpipe/ctxpipe/internal/xio"
)

// NewStaged makes a Writer on any io.Writer, such as a pipe. Each entry is held
// in memory, its descriptor in front, and leaves in one write when it ends;
// with pieces that were handed over, in one writev where dst is a file or pipe
// on Linux or a network connection. Until then nothing of it reaches dst.
//
// An entry that would exceed the hold limit ([WithHoldLimit]) is an error
// wrapping [frame.ErrTooLarge]; [NewPlanned] has no such limit.
func NewStaged(dst io.Writer, opts ...Option) (*Writer, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	if dst == nil {
		return nil, frame.Misuse(frame.RuleCalls, "NewStaged needs a destination")
	}
	return newWriter(&staged{vec: vecio.NewWriter(dst), layout: s.layout, limit: s.hold}, s), nil
}

// staged holds one entry: copied bytes in a pooled buffer, handed-over slices
// beside it.
type staged struct {
	vec    *vecio.Writer
	layout frame.Layout
	limit  uint64
	done   int64 // bytes of complete entries

	buf    *bufpool.Buffer // the descriptor, then all that was copied
	pieces []piece
	copied int    // how much of buf is in pieces or is the first piece to be
	held   uint64 // bytes in buf and in pieces
	bufs   [][]byte
}

// piece is a stretch of the entry: handed over, or a range of buf (which may
// still move when it grows).
type piece struct {
	given    []byte
	from, to int
}

func (s *staged) whole(p []byte) error {
	s.bufs = append(s.bufs[:0], p)
	return s.leave(int64(len(p)))
}

func (s *staged) begin(d frame.Descriptor) error {
	if s.buf == nil {
		s.buf = buffers.Get()
	}
	n := s.layout.DescriptorSize()
	s.buf.B = append(s.buf.B[:0], make([]byte, n)...)
	s.pieces, s.copied, s.held = s.pieces[:0], 0, uint64(n)
	return nil
}

func (s *staged) append(p []byte) error {
	if err := s.hold(len(p)); err != nil {
		return err
	}
	s.buf.B = append(s.buf.B, p...)
	return nil
}

func (s *staged) handOver(p []byte) error {
	// A copy of little is cheaper than one more piece.
	if len(p) < smallPiece {
		return s.append(p)
	}
	if err := s.hold(len(p)); err != nil {
		return err
	}
	s.cut()
	s.pieces = append(s.pieces, piece{given: p})
	return nil
}

// smallPiece is where handing over begins to pay.
const smallPiece = 1 << 10

// cut ends the run of copied bytes, so that something else can follow it.
func (s *staged) cut() {
	if end := len(s.buf.B); end > s.copied {
		s.pieces = append(s.pieces, piece{from: s.copied, to: end})
		s.copied = end
	}
}

func (s *staged) readFrom(r io.Reader, most uint64) (n int64, err error) {
	limit := min(most, s.limit-s.held)
	for uint64(n) < limit {
		if len(s.buf.B) == cap(s.buf.B) {
			s.buf.B = slices.Grow(s.buf.B, pendingSize)
		}
		room := s.buf.B[len(s.buf.B):cap(s.buf.B)]
		got, err := xio.ReadSome(r, room[:min(uint64(len(room)), limit-uint64(n))])
		s.buf.B = s.buf.B[:len(s.buf.B)+got]
		n, s.held = n+int64(got), s.held+uint64(got)
		if err != nil {
			return n, readError(err)
		}
	}
	if err := atEOF(r); err != errOver || limit == most {
		return n, err
	}
	return n, s.overLimit()
}

// hold counts n more bytes against the limit.
func (s *staged) hold(n int) error {
	if uint64(n) > s.limit-s.held {
		return s.overLimit()
	}
	s.held += uint64(n)
	return nil
}

func (s *staged) overLimit() error {
	return &frame.Error{
		Layer: frame.Layer, Offset: s.done, Index: frame.NoIndex, Rule: frame.RuleLimit,
		What:   "the entry is too large to be held; a planned Writer (dry run first) holds nothing",
		Wanted: fmt.Sprintf("at most %d bytes", s.limit), Got: "more", Err: frame.ErrTooLarge,
	}
}

func (s *staged) end(d frame.Descriptor, n uint64) error {
	if err := d.Put(s.buf.B, s.layout); err != nil {
		return err
	}
	s.buf.B = append(s.buf.B, padding[:frame.Padding(n)]...)
	s.cut()
	s.bufs = s.bufs[:0]
	for _, p := range s.pieces {
		if p.given != nil {
			s.bufs = append(s.bufs, p.given)
		} else {
			s.bufs = append(s.bufs, s.buf.B[p.from:p.to])
		}
	}
	err := s.leave(int64(s.held) + int64(frame.Padding(n)))
	clear(s.pieces) // keep nothing of the caller's alive
	return err
}

// leave writes s.bufs, n bytes in all.
func (s *staged) leave(n int64) error {
	_, err := s.vec.WriteVec(s.bufs)
	clear(s.bufs)
	if err != nil {
		return errors.Wrapf(err, "write %d bytes at offset %d", n, s.done)
	}
	s.done += n
	return nil
}

func (s *staged) abort() {
	if s.buf != nil {
		buffers.Put(s.buf)
		s.buf = nil
	}
	clear(s.pieces)
}

func (s *staged) size() int64 { return s.done }
