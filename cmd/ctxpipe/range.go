package main

import (
	stderrors "errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// byteRange is the value of --range.
type byteRange struct {
	text     string // as it was typed, empty if it was not
	off, len int64  // len is -1 up to the end
}

// Set reads OFF:LEN, where LEN may be left out.
func (r *byteRange) Set(text string) error {
	off, length, _ := strings.Cut(text, ":")
	found := byteRange{text: text, len: -1}
	var err error
	if found.off, err = parseSize(off); err == nil && length != "" {
		found.len, err = parseSize(length)
	}
	if err != nil {
		return errors.Errorf("OFF:LEN is wanted, as in 1G:64K, or OFF: for all from there on")
	}
	*r = found
	return nil
}

// String gives what was typed.
func (r *byteRange) String() string { return r.text }

// Type names the kind of value in help texts.
func (r *byteRange) Type() string { return "OFF:LEN" }

// within gives the range's length in a payload of that size.
func (r *byteRange) within(name string, total int64) (int64, error) {
	n := r.len
	if n < 0 {
		n = total - r.off
	}
	if r.off > total || n > total-r.off {
		return 0, &usageError{err: fmt.Errorf("--range %s: beyond the end of the payload of %s, which has %d bytes", r.text, shown(name), total)}
	}
	return n, nil
}

// errNoRandomAccess is what an input gets that has no places to read from.
var errNoRandomAccess = &usageError{stderrors.New("--range needs a regular file"), "write the input to a file first, or restore all of it"}

// sizeOf gives the size of a regular file.
func sizeOf(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNoRandomAccess
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// restoreRange writes a range of the payload of the sealed stream in a file. What
// it writes was verified, frame by frame, and nothing else was.
func restoreRange(name string, in, out *os.File, r byteRange, opts []pipe.RestoreOption, quiet bool, j *job) (pipe.Stats, error) {
	size, err := sizeOf(in)
	if err != nil {
		return pipe.Stats{}, err
	}
	at, err := pipe.NewReaderAt(in, size, append(opts, pipe.WithContext(j.ctx))...)
	if err != nil {
		return pipe.Stats{}, optionError(err)
	}
	defer at.Close()
	n, err := r.within(name, at.Size())
	if err != nil {
		return at.Stats(), err
	}
	j.follow(at.Stats, n, 0)
	// Only Write: a file's own ReadFrom would read in small steps.
	to := struct{ io.Writer }{out}
	_, err = io.CopyBuffer(to, io.NewSectionReader(at, r.off, n), make([]byte, 256<<10))
	j.over.Store(true)
	if err == nil && !quiet {
		sayRange(name)
	}
	return at.Stats(), err
}
