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

	queue *queue // nil unless w is known to have one
	asked bool   // for it: few ask
}

// NewWriter prepares w. It neither reads nor writes anything.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, fd: newFDWriter(w)} }

// Queued gives how many of the bytes that were written still wait in the destination's
// own queue, as in a pipe that nobody has read from; 0 where that is not known.
func (v *Writer) Queued() int {
	if !v.asked {
		v.queue, v.asked = newQueue(v.w), true
	}
	return v.queue.len()
}

// WriteVec writes all of bufs in order and gives the number of bytes written.
// It consumes bufs: its elements are undefined afterwards. The bytes behind
// them are neither changed nor kept.
func (v *Writer) WriteVec(bufs [][]byte) (int64, error) {
	if len(bufs) == 1 {
		return v.writeEach(bufs)
	}
	if v.fd != nil {
		return v.fd.writeVec(bufs)
	}
	if _, ok := v.w.(net.Conn); ok {
		v.net = bufs
		n, err := v.net.WriteTo(v.w)
		if err == nil && len(v.net) > 0 {
			err = io.ErrShortWrite
		}
		v.net = nil
		return n, err
	}
	return v.writeEach(bufs)
}

// writeEach writes one slice after the other, and stops at the first that is not
// taken whole: net.Buffers would go on behind it.
func (v *Writer) writeEach(bufs [][]byte) (total int64, err error) {
	for _, b := range bufs {
		n, err := v.w.Write(b)
		total += int64(n)
		if err == nil && n < len(b) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
