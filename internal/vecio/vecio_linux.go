package vecio

import (
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxVec is the kernel's UIO_MAXIOV: more slices than that need another call.
const maxVec = 1024

// fdWriter calls writev on a file descriptor. It is made once and reused, so
// that a write allocates nothing.
type fdWriter struct {
	raw  syscall.RawConn
	name string
	try  func(fd uintptr) bool

	bufs [][]byte // what is still to be written
	n    int64
	err  error
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
	d := &fdWriter{raw: raw, name: f.Name()}
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
		n, err := unix.Writev(int(fd), d.bufs[:min(len(d.bufs), maxVec)])
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
