package pipe

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// How the frames are called in errors.
const (
	dataFrame      = "data frame"
	fastFrame      = "fast frame"
	skippableFrame = "skippable frame"
	seekTable      = "seek table"
)

// scanner cuts the input into parts. It judges all that can be judged without
// decoding, and counts what it is about to let be decoded.
type scanner struct {
	cfg    *restoreConfig
	intake *intake
	in     input
	meter  *meter

	kind  Kind
	mode  mode  // nil until the first bytes are seen
	index int   // of the frame that is being read
	known int64 // content of all frames so far that say how much they have

	codec *zstd.Decoder // for what is streamed; nil until it is needed
}

// mode is how one kind of input is scanned. step sends a little more of it. It
// gives io.EOF once the input has ended and all that can be seen here was
// verified.
type mode interface{ step(*scanner) error }

// run scans the input to its end, to the first error, or until the context is
// done. Whatever ends it is the last part, unless it is the context.
func (s *scanner) run() {
	defer close(s.intake.work)
	defer s.close()
	err := s.begin()
	for err == nil {
		err = s.mode.step(s)
	}
	if errors.Is(err, errStopped) {
		return // who waits for a part has heard of the context too
	}
	if p := s.intake.take(); p != nil {
		p.kind, p.err = partEnd, err
		s.intake.send(p)
	}
}

// close lets go of what the scanner has.
func (s *scanner) close() {
	s.in.release()
	if s.codec != nil {
		s.codec.Close()
	}
}

// errStopped ends a scanner whose context is done. Nobody sees it.
var errStopped = errors.New("stopped")

// take gives an empty part for what stands at hand.
func (s *scanner) take(kind partKind) (*part, error) {
	p := s.intake.take()
	if p == nil {
		return nil, errStopped
	}
	p.kind, p.place = kind, s.place()
	return p, nil
}

// takeFrame gives a part with the whole frame at hand, n bytes, and uses it up.
func (s *scanner) takeFrame(kind partKind, n, size int) (*part, error) {
	p, err := s.take(kind)
	if err != nil {
		return nil, err
	}
	p.loan, p.frame = s.in.take(n)
	p.size, p.exact = size, true
	return p, nil
}

// begin finds out by the first bytes what the input is.
func (s *scanner) begin() error {
	kind, payload, err := s.recognise()
	switch {
	case err != nil:
		return err
	case kind == Sealed:
		return s.beginSealed()
	case kind == Foreign:
		return s.start(Info{Kind: kind, Chunk: DefaultChunk}, &foreign{}, s.cfg.wholeForeign())
	}
	return s.start(Info{Kind: kind, Chunk: DefaultChunk, Payload: payload}, raw{}, piece)
}

// recognise gives the kind of the input, and of raw input the payload too.
func (s *scanner) recognise() (Kind, zst.Payload, error) {
	b, err := s.in.peek(recogniseSize)
	if err != nil && err != io.EOF {
		return Unknown, "", err
	}
	kind, payload := identify(b)
	switch {
	case kind == Unknown: // too short to tell
		err = s.cut("input", len(b))
	case kind == Raw && payload == zst.PayloadOpaque && (!s.cfg.force || flippedMagic(b)):
		what := "neither zstd nor a known payload"
		if flippedMagic(b) {
			what = "begins with the magic of a zstd frame with a flipped bit"
		}
		err = &frame.Error{Layer: zst.Layer, Index: frame.NoIndex, Rule: "TR-96", What: what, Err: frame.ErrCorrupt}
	default:
		err = nil
	}
	return kind, payload, err
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
	ordinary := strings.HasPrefix("\x28\xb5\x2f\xfd", string(b))
	skippable := len(b) > 0 && b[0]&0xf0 == 0x50 && strings.HasPrefix("\x2a\x4d\x18", string(b[1:]))
	if ordinary || skippable {
		return Unknown, ""
	}
	return Raw, zst.PayloadOpaque
}

// flippedMagic says whether input begins with what a flipped bit makes of a
// frame's magic.
func flippedMagic(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	const skippables = 0x184D2A50 // and 15 more
	magic := binary.LittleEndian.Uint32(b)
	return bits.OnesCount32(magic^zst.MagicFrame) == 1 || bits.OnesCount32((magic^skippables)&^0xF) == 1
}

// start settles what the input is, tells the caller, and lets as many parts into
// the line as the memory allows for frames with so much content.
func (s *scanner) start(info Info, m mode, content int) error {
	beside := int64(0)
	if info.Kind == Foreign {
		beside = s.cfg.maxWindow // some frames may be streamed
	}
	parts, err := s.cfg.parts(info.Chunk, content, beside)
	if err != nil {
		return err
	}
	s.intake.dec.use(min(s.cfg.workers, parts))
	s.in.full = ringSize(content, parts)
	p, err := s.take(partBegin)
	if err != nil {
		return err
	}
	s.kind, s.mode = info.Kind, m
	p.info = info
	s.intake.send(p)
	for range parts - 1 {
		s.intake.home <- newPart()
	}
	return nil
}

// need gives n bytes of the frame that is being read, or more, without using
// them up.
func (s *scanner) need(n int, record string) ([]byte, error) {
	b, err := s.in.peek(n)
	if len(b) >= n {
		return b, nil
	}
	if err == io.EOF {
		return nil, s.cut(record, len(b))
	}
	return nil, err
}

// skip uses up n bytes, however many.
func (s *scanner) skip(n int64, record string, see func([]byte)) error {
	for n > 0 {
		b, err := s.need(1, record)
		if err != nil {
			return err
		}
		b = b[:min(int64(len(b)), n)]
		see(b)
		s.in.discard(len(b))
		n -= int64(len(b))
	}
	return nil
}

// place is where the scanner stands.
func (s *scanner) place() place { return place{s.in.off, s.index} }

// cut says that the input ends n bytes from here.
func (s *scanner) cut(record string, n int) error {
	rule := frame.Rule("TR-62")
	if s.kind == Foreign {
		rule = "TR-93"
	}
	at := s.place()
	at.off += int64(n)
	return at.bad(record, rule, "input ends before the stream does", io.ErrUnexpectedEOF)
}

// bad says that the frame at hand breaks a rule.
func (s *scanner) bad(record string, rule frame.Rule, what string, cause error) error {
	return s.place().bad(record, rule, what, cause)
}

// tooLarge says that the frame at hand exceeds a limit.
func (s *scanner) tooLarge(record, what string, limit, got any) error {
	return s.place().tooLarge(record, what, limit, got)
}

// admit counts the content that the frame at hand says it has, and refuses what
// is too much before anything is done for it.
func (s *scanner) admit(record string, content uint64) error {
	if limit := s.cfg.maxOutput; content > uint64(limit-s.known) {
		return s.tooLarge(record, "too much output", limit, "more")
	}
	s.known += int64(content)
	return nil
}

// at adds to an error of package zst where in the stream the bytes stand that
// it was given: n bytes into what is at hand.
func (s *scanner) at(err error, n int) error {
	at := s.place()
	at.off += int64(n)
	return at.add(err)
}

// passed counts a whole frame that was read, and refuses one too many.
func (s *scanner) passed() error {
	s.index++
	if int64(s.index) > s.cfg.maxFrames {
		return s.tooLarge("", "too many frames", s.cfg.maxFrames, "more")
	}
	return nil
}
