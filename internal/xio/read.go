// Package xio holds small reading helpers that more than one room needs.
package xio

import "io"

// maxIdle is how many reads without bytes or error are put up with: as many
// as bufio allows.
const maxIdle = 100

// ReadSome reads once, or again while r gives neither bytes nor an error. A
// reader that goes on like that is given up with io.ErrNoProgress. Bytes and
// an error may come together, as with any io.Reader. p must not be empty.
func ReadSome(r io.Reader, p []byte) (int, error) {
	for range maxIdle {
		if n, err := r.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}
