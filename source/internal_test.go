package source

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
)

// HEADER and END have no padding by the rules about their lengths. Where they had, it
// would be judged as that of other entries, and what is wrong with it stick.
func TestMarksThatCannotBePassed(t *testing.T) {
	for name, c := range map[string]struct {
		at   state
		typ  frame.Type
		pass func(*Reader) (Entry, error)
	}{
		"START": {atHeader, frame.Start, (*Reader).Next},
		"END":   {inEntry, frame.End, (*Reader).passEnd},
	} {
		for what, more := range map[string]struct {
			bytes []byte
			err   error
		}{
			"cut":      {nil, io.ErrUnexpectedEOF},
			"not zero": {append([]byte{5}, make([]byte, 2*frame.WideDescriptorSize)...), frame.ErrCorrupt}, // itself a good descriptor
		} {
			in := input{r: bytes.NewReader(append(make([]byte, 3), more.bytes...)), certain: 8 + frame.WideDescriptorSize}
			r := &Reader{input: in, state: c.at, header: frame.Header{Layout: frame.Wide}, left: 3}
			r.settings, _ = newSettings(nil)
			r.current = frame.Descriptor{Type: c.typ, Length: 3}
			e, err := c.pass(r)
			if !errors.Is(err, more.err) || e != (Entry{}) {
				t.Errorf("%s, padding %s: %+v, %v", name, what, e.Descriptor, err)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("%s, padding %s: does not stick: %v", name, what, again)
			}
		}
	}
}

// An error that has no place is not lost for want of one.
func TestErrorWithoutAPlace(t *testing.T) {
	if err := new(Reader).place(io.ErrClosedPipe); err != io.ErrClosedPipe {
		t.Error(err)
	}
}
