package source

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
)

// HEADER and END are looked at as a whole before they are passed. Where they were not, to
// be cut inside them is an error all the same, and sticks.
func TestMarksThatCannotBePassed(t *testing.T) {
	for name, c := range map[string]struct {
		at   state
		d    frame.Descriptor
		l    frame.Layout
		pass func(*Reader) (Entry, error)
	}{
		"HEADER": {atHeader, frame.Descriptor{Type: frame.Start, Length: 16}, frame.Compact, (*Reader).Next},
		"END":    {inEntry, frame.Descriptor{Type: frame.End, Length: 3}, frame.Wide, (*Reader).passEnd},
	} {
		in := input{r: bytes.NewReader(make([]byte, 7)), certain: 100}
		r := &Reader{input: in, state: c.at, header: frame.Header{Layout: c.l}, current: c.d, left: c.d.Length}
		e, err := c.pass(r)
		if !errors.Is(err, io.ErrUnexpectedEOF) || e != (Entry{}) {
			t.Errorf("%s: %+v, %v", name, e.Descriptor, err)
		}
		if _, again := r.Next(); again != err {
			t.Errorf("%s: does not stick: %v", name, again)
		}
	}
}

// An error that has no place is not lost for want of one.
func TestErrorWithoutAPlace(t *testing.T) {
	if err := new(Reader).place(io.ErrClosedPipe); err != io.ErrClosedPipe {
		t.Error(err)
	}
}
