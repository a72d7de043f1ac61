package pipe

import (
	"fmt"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

// A part is a piece of the input on its way to be payload. It is owned by one at
// a time: the scanner, a worker, the caller.
type part struct {
	kind  partKind
	place place

	frame  []byte   // one whole frame; nil once that was decoded
	loan   loan     // of where frame lies
	size   int      // of its content, the most that it can be if it is not known
	exact  bool     // size is known
	sealed bool     // the frame is part of a sealed stream and needs its item
	fast   zst.Fast // what a fast frame says

	out  *bufpool.Buffer // the content
	item zst.Item

	info Info     // of partBegin
	seal zst.Seal // of partSeal
	err  error    // what is wrong with the part; io.EOF in a good partEnd

	done chan struct{} // gets a token when the part is ready for the caller
}

type partKind int

const (
	partBegin   partKind = iota // the first one: what the input is
	partZstd                    // an ordinary frame, to be decoded
	partFast                    // a fast frame, to be decoded
	partContent                 // content that needs nothing more
	partSeal
	partEnd // the last one
)

// place is where in the input something stands, for errors.
type place struct {
	off   int64
	index int // of the frame
}

// add adds the place to an error of package zst about what stands here.
func (p place) add(err error) error {
	if err == nil {
		return nil
	}
	var e *frame.Error
	if errors.As(err, &e) {
		e.Offset += p.off
		e.Index = p.index
	}
	return err
}

// tooLarge says that what stands here exceeds a limit.
func (p place) tooLarge(record, what string, limit, got any) *frame.Error {
	e := p.bad(record, "TR-80", what, frame.ErrTooLarge)
	e.Wanted, e.Got = fmt.Sprintf("at most %v", limit), fmt.Sprint(got)
	return e
}

// bad says that what stands here breaks a rule.
func (p place) bad(record string, rule frame.Rule, what string, cause error) *frame.Error {
	return &frame.Error{
		Layer: zst.Layer, Offset: p.off, Index: p.index, Record: record,
		Rule: rule, What: what, Err: cause,
	}
}
