// Package xio holds small reading helpers that more than one room needs.
package xio

import (
	"errors"
	"io"
)

// ErrCount says that a reader broke the contract of io.Reader.
var ErrCount = errors.New("the reader gave an impossible count")

// maxIdle is how many reads without bytes or error are put up with: as many
// as bufio allows.
const maxIdle = 100

// ReadSome reads once, or again while r gives neither bytes nor an error. A
// reader that goes on like that is given up with io.ErrNoProgress, and one that
// claims to have read less than nothing or more than fits is an error. Bytes
// and an error may come together, as with any io.Reader. p must not be empty.
func ReadSome(r io.Reader, p []byte) (int, error) {
	for range maxIdle {
		n, err := r.Read(p)
		if n < 0 || n > len(p) {
			return 0, ErrCount
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}
