package frame_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
)

func TestErrorIsOneLineWithEverything(t *testing.T) {
	whole := frame.Error{
		Layer: "domain-context", Offset: 4711, Index: 12, Record: "type 2 SHARED_INFO instance 3", Rule: "DC-72",
		What: "buffer_size", Wanted: "3136", Got: "17", Err: frame.ErrCorrupt,
	}
	for want, change := range map[string]func(e *frame.Error){
		"domain-context: offset 4711, entry 12, type 2 SHARED_INFO instance 3: buffer_size: wanted 3136, got 17 [DC-72]": func(*frame.Error) {},
		"domain-context: offset 4711, type 2 SHARED_INFO instance 3: buffer_size: wanted 3136, got 17 [DC-72]":           func(e *frame.Error) { e.Index = frame.NoIndex },
		"domain-context: offset 4711, entry 0: buffer_size: wanted 3136, got 17 [DC-72]":                                 func(e *frame.Error) { e.Index, e.Record = 0, "" },
		"domain-context: offset 4711, entry 12, type 2 SHARED_INFO instance 3: buffer_size, got 17":                      func(e *frame.Error) { e.Wanted, e.Rule = "", "" },
		"domain-context: offset 4711, entry 12, type 2 SHARED_INFO instance 3: corrupt stream: wanted 3136 [DC-72]":      func(e *frame.Error) { e.What, e.Got = "", "" },
	} {
		e := whole
		change(&e)
		if got := e.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Callers branch on the sentinels and read the place through any wrapping.
func TestErrorIsAndAs(t *testing.T) {
	sentinels := []error{
		frame.ErrCorrupt, frame.ErrTooLarge, frame.ErrUnknownType, frame.ErrNoHandler, frame.ErrSecondHeader,
		frame.ErrUnsupported, frame.ErrMisuse, io.ErrUnexpectedEOF,
	}
	for _, s := range sentinels {
		err := fmt.Errorf("outer: %w", &frame.Error{Layer: frame.Layer, Offset: 8, Index: 1, Err: s})
		var e *frame.Error
		if !errors.As(err, &e) || e.Offset != 8 || e.Index != 1 {
			t.Errorf("%v: no place", err)
		}
		for _, other := range sentinels {
			if errors.Is(err, other) != (s == other) {
				t.Errorf("%v is %v: %v", err, other, s != other)
			}
		}
	}
}

func TestMisuse(t *testing.T) {
	err := frame.Misuse("DC-25", "Begin inside %q", "x")
	if !errors.Is(err, frame.ErrMisuse) || errors.Is(err, frame.ErrCorrupt) {
		t.Errorf("%v is of the wrong kind", err)
	}
	if got, want := err.Error(), `misuse: Begin inside "x" [DC-25]`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var e *frame.Error
	if errors.As(err, &e) {
		t.Error("the slip of a caller has a place in a stream")
	}
}

// Errors that the package itself makes never spread over lines, so that a log
// can carry them.
func TestErrorsOfThePackageAreOneLine(t *testing.T) {
	_, put := frame.Descriptor{Type: 1 << 20}.Append(nil, frame.Compact)
	_, header := frame.DecodeHeader(frame.Descriptor{Type: 1, Length: 16}, frame.Compact, []byte("\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"))
	checkBody := frame.CheckBody(frame.Descriptor{Type: 3, Length: 1 << 40}, frame.Wide, make([]byte, frame.MaxCheckedBody))
	for _, err := range []error{put, header, checkBody} {
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "domain-context: offset 0") {
			t.Errorf("got %q", err)
		}
	}
}
