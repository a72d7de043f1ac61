package pipe

import (
	"io"
	"io/fs"
	"os"

	"github.com/pkg/errors"
	"golang.org/x/sys/unix"
)

// splice moves bytes from one pipe to another without looking at them.
type splice struct{ dst, src int }

// newSplice gives nil unless both are pipes.
func newSplice(dst io.Writer, src io.Reader) *splice {
	to, ok1 := dst.(*os.File)
	from, ok2 := src.(*os.File)
	if !ok1 || !ok2 || !isPipe(to) || !isPipe(from) {
		return nil
	}
	// Fd makes them blocking, so that a splice waits for both sides.
	return &splice{int(to.Fd()), int(from.Fd())}
}

func isPipe(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// move moves some bytes, n at the most, and gives their number; io.EOF at the end
// of the source.
func (s *splice) move(n int64) (int64, error) {
	for {
		m, err := unix.Splice(s.src, nil, s.dst, nil, int(min(n, 1<<20)), unix.SPLICE_F_MOVE|unix.SPLICE_F_MORE)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EINVAL, err == unix.ENOSYS:
			return 0, errNoSplice
		case err != nil:
			return 0, errors.Wrap(err, "splice")
		case m == 0:
			return 0, io.EOF
		}
		return int64(m), nil
	}
}
