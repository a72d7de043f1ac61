package sink

import (
	"fmt"
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/vecio"
	"github.com/ctxpipe/ctxpipe/internal/xio"
)

// NewStaged makes a Writer on any io.Writer, such as a pipe. Each entry is held
// in memory, its descriptor in front, and leaves when it ends: in one write
// if what was copied of it is less than 64 KiB and nothing was handed over, and otherwise in
// one writev where dst is a file or pipe on Linux or a network connection, and piece by
// piece elsewhere. Until then nothing of it reaches dst.
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

// staged holds one entry: copied bytes in pooled buffers, which neither grow nor
// move, and handed-over slices between them.
type staged struct {
	vec    *vecio.Writer
	layout frame.Layout
	limit  uint64
	done   int64 // bytes of complete entries

	copies []*bufpool.Buffer // the descriptor, then all that was copied
	cutAt  int               // how much of the last one is in bufs
	bufs   [][]byte          // the entry, but for the rest of that
	held   uint64            // its bytes
}

// stagedSize is the size of all buffers but the first. Each costs a slice to
// write, and an entry of a gigabyte has a few thousand.
const stagedSize = 256 << 10

var stagedBuffers = bufpool.New(stagedSize, stagedSize)

func (s *staged) whole(p []byte) error {
	s.bufs = append(s.bufs[:0], p)
	return s.leave(int64(len(p)))
}

func (s *staged) begin(d frame.Descriptor) error {
	if len(s.copies) == 0 {
		s.copies = append(s.copies, buffers.Get())
	}
	n := s.layout.DescriptorSize()
	s.copies[0].B = append(s.copies[0].B[:0], make([]byte, n)...)
	s.bufs, s.cutAt, s.held = s.bufs[:0], 0, uint64(n)
	return nil
}

// room gives the last buffer, with room for a byte more at least.
func (s *staged) room() *bufpool.Buffer {
	last := s.copies[len(s.copies)-1]
	if len(last.B) < cap(last.B) {
		return last
	}
	s.cut()
	last = stagedBuffers.Get()
	s.copies, s.cutAt = append(s.copies, last), 0
	return last
}

func (s *staged) append(p []byte) error {
	if err := s.hold(len(p)); err != nil {
		return err
	}
	s.copy(p)
	return nil
}

func (s *staged) copy(p []byte) {
	for len(p) > 0 {
		last := s.room()
		n := min(len(p), cap(last.B)-len(last.B))
		last.B, p = append(last.B, p[:n]...), p[n:]
	}
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
	s.bufs = append(s.bufs, p)
	return nil
}

// smallPiece is where handing over begins to pay.
const smallPiece = 1 << 10

// cut ends the run of copied bytes, so that something else can follow it.
func (s *staged) cut() {
	last := s.copies[len(s.copies)-1]
	if end := len(last.B); end > s.cutAt {
		s.bufs = append(s.bufs, last.B[s.cutAt:end])
		s.cutAt = end
	}
}

func (s *staged) readFrom(r io.Reader, most uint64) (n int64, err error) {
	limit := min(most, s.limit-s.held)
	for uint64(n) < limit {
		last := s.room()
		room := last.B[len(last.B):cap(last.B)]
		got, err := xio.ReadSome(r, room[:min(uint64(len(room)), limit-uint64(n))])
		last.B = last.B[:len(last.B)+got]
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
	if err := d.Put(s.copies[0].B, s.layout); err != nil {
		return err
	}
	s.copy(padding[:frame.Padding(n)])
	s.cut()
	err := s.leave(int64(s.held) + int64(frame.Padding(n)))
	s.shrink()
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

// shrink gives all buffers back but the first.
func (s *staged) shrink() {
	for i := len(s.copies) - 1; i > 0; i-- {
		stagedBuffers.Put(s.copies[i])
		s.copies = s.copies[:i]
	}
}

func (s *staged) abort() {
	s.shrink()
	for _, first := range s.copies {
		buffers.Put(first)
	}
	s.copies = nil
	clear(s.bufs) // keep nothing of the caller's alive
}

func (s *staged) size() int64 { return s.done }
