package sink

import (
	"io"
	"os"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
)

// NewSeekable makes a Writer on a destination that can be written anywhere,
// such as a file; the context begins at offset off. The body of an entry goes
// straight through: until [Entry.End] patches it in place, the length on the
// destination is the unfinished mark, which no reader accepts (rules DC-26 and
// DC-27).
//
// If an entry fails, a file that ends with it is cut back to where the entry
// began; any other destination is left with the mark.
//
// The file position of an *os.File is neither used nor moved.
func NewSeekable(dst io.WriterAt, off int64, opts ...Option) (*Writer, error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	if dst == nil || off < 0 {
		return nil, frame.Misuse(frame.RuleCalls, "NewSeekable needs a destination and an offset that is not negative")
	}
	d := &seekable{w: dst, layout: s.layout, base: off, off: off, start: off}
	d.pending.out = d.write
	return newWriter(d, s), nil
}

// seekable writes through and patches descriptors afterwards.
type seekable struct {
	pending
	w      io.WriterAt
	layout frame.Layout
	base   int64 // where the context begins
	off    int64 // where the next write goes
	start  int64 // where the open entry begins, or the next one will
	high   int64 // how far anything was written, also by a write that failed
	desc   [frame.MaxDescriptorSize]byte
}

func (s *seekable) write(bufs [][]byte) error {
	for _, b := range bufs {
		if err := s.writeAt(b, s.off); err != nil {
			return err
		}
		s.off += int64(len(b))
	}
	return nil
}

func (s *seekable) writeAt(p []byte, off int64) error {
	n, err := s.w.WriteAt(p, off)
	s.high = max(s.high, off+int64(n))
	if err != nil {
		return errors.Wrapf(err, "write %d bytes at offset %d", len(p), off)
	}
	return nil
}

func (s *seekable) whole(p []byte) error {
	if err := s.add(p); err != nil {
		return err
	}
	err := s.flush()
	s.start = s.off
	return err
}

func (s *seekable) begin(d frame.Descriptor) error {
	d.Length = s.layout.Unfinished()
	if err := d.Put(s.desc[:], s.layout); err != nil {
		return err
	}
	return s.add(s.desc[:s.layout.DescriptorSize()])
}

func (s *seekable) append(p []byte) error { return s.add(p) }

func (s *seekable) handOver(p []byte) error { return s.add(p) }

// end writes the padding, then the descriptor: in place, or still in the
// buffer if nothing of the entry has left it.
func (s *seekable) end(d frame.Descriptor, n uint64) error {
	if err := s.add(padding[:frame.Padding(n)]); err != nil {
		return err
	}
	if err := d.Put(s.desc[:], s.layout); err != nil {
		return err
	}
	desc := s.desc[:s.layout.DescriptorSize()]
	if s.off == s.start {
		copy(s.buf.B, desc)
		err := s.flush()
		s.start = s.off
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.writeAt(desc, s.start); err != nil {
		return err
	}
	s.start = s.off
	return nil
}

// abort cuts off what was written of an open entry, where that is the end of
// a file. Elsewhere the unfinished mark stays. The caller is already being
// told of a failure, so one of the cut is not reported.
func (s *seekable) abort() {
	s.release()
	if s.high <= s.start {
		return
	}
	f, ok := s.w.(interface {
		Truncate(size int64) error
		Stat() (os.FileInfo, error)
	})
	if !ok {
		return
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() <= s.high {
		_ = f.Truncate(s.start)
	}
	s.off, s.high = s.start, s.start
}

func (s *seekable) size() int64 { return s.start - s.base }
