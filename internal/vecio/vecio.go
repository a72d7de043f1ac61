// Package vecio writes several slices with one system call.
//
// [net.Buffers] does so for network connections, but not for pipes and files,
// which is where save streams go. Elsewhere, and on systems without writev,
// the slices are written one after the other, with the same result.
package vecio

import (
	"io"
	"net"
)

// Writer gathers slices into one write where its destination allows it.
type Writer struct {
	w   io.Writer
	fd  *fdWriter // nil unless w is a descriptor that takes writev
	net net.Buffers
}

// NewWriter prepares w. It neither reads nor writes anything.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, fd: newFDWriter(w)} }

// WriteVec writes all of bufs in order and gives the number of bytes written.
// It consumes bufs: its elements are undefined afterwards. The bytes behind
// them are neither changed nor kept.
func (v *Writer) WriteVec(bufs [][]byte) (int64, error) {
	if len(bufs) == 1 {
		n, err := v.w.Write(bufs[0])
		if err == nil && n < len(bufs[0]) {
			err = io.ErrShortWrite
		}
		return int64(n), err
	}
	if v.fd != nil {
		return v.fd.writeVec(bufs)
	}
	v.net = bufs
	n, err := v.net.WriteTo(v.w)
	if err == nil && len(v.net) > 0 {
		err = io.ErrShortWrite
	}
	v.net = nil
	return n, err
}
