package vecio

import (
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// maxVec is the kernel's UIO_MAXIOV: more slices than that need another call.
	maxVec = 1024
	// A call is offered no more than it is likely to take: to list all of many slices for a
	// pipe, again and again, costs more than the calls.
	mostOffer  = 4 << 20
	leastOffer = 64 << 10
)

// fdWriter calls writev on a file descriptor. It is made once and reused, so
// that a write allocates nothing.
type fdWriter struct {
	raw  syscall.RawConn
	name string
	try  func(fd uintptr) bool

	bufs  [][]byte // what is still to be written
	iovs  iovecs   // of a call
	offer int      // bytes that a call is likely to take
	n     int64
	err   error
}

func newFDWriter(w io.Writer) *fdWriter {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	d := &fdWriter{raw: raw, name: f.Name(), offer: mostOffer}
	d.try = d.writeAll
	return d
}

func (d *fdWriter) writeVec(bufs [][]byte) (int64, error) {
	d.bufs, d.n, d.err = bufs, 0, nil
	err := d.raw.Write(d.try)
	d.bufs = nil
	if d.err != nil {
		err = &os.PathError{Op: "writev", Path: d.name, Err: d.err}
	}
	return d.n, err
}

// writeAll writes until nothing is left. It returns false where the
// descriptor is non-blocking and full, and is then called again once it can
// take more.
func (d *fdWriter) writeAll(fd uintptr) bool {
	for len(d.bufs) > 0 {
		bufs, offered := some(d.bufs, d.offer)
		n, err := d.iovs.write(fd, bufs)
		d.learn(offered, n)
		if n > 0 {
			d.n += int64(n)
			d.bufs = advance(d.bufs, n)
		}
		switch err {
		case nil:
			d.bufs = advance(d.bufs, 0)
			if n == 0 && len(d.bufs) > 0 {
				d.err = io.ErrShortWrite
				return true
			}
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			d.err = err
			return true
		}
	}
	return true
}

// some gives as many of bufs, from the first on, as hold so many bytes or a little more, and
// how many they do hold.
func some(bufs [][]byte, offer int) (part [][]byte, n int) {
	bufs = bufs[:min(len(bufs), maxVec)]
	for i, b := range bufs {
		if n += len(b); n >= offer {
			return bufs[:i+1], n
		}
	}
	return bufs, n
}

// learn takes in that a call was offered so much and took n of it.
func (d *fdWriter) learn(offered, n int) {
	if n < offered {
		d.offer = max(2*n, leastOffer)
	} else {
		d.offer = min(2*d.offer, mostOffer)
	}
}

// advance drops the first n bytes of bufs, and empty slices in front.
func advance(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}
