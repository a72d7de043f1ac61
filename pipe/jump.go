package pipe

import (
	"io"
	"io/fs"

	"github.com/pkg/errors"
)

const (
	// jumpSize is how much is read at a time where one can jump: block headers
	// stand so far apart that most of what is read around them is for nothing.
	jumpSize = 4 << 10
	// leastJump is the shortest way that is worth a system call.
	leastJump = 4 * jumpSize
)

// jumper passes over parts of an input without reading them.
type jumper struct {
	to  io.Seeker // nil if the source cannot seek
	end int64     // where the source ends, counted from where it stood at first
}

// newJumper gives the jumper of a source, and leaves it where it stands. Pipes
// and devices have a method to seek too, so only regular files are believed to
// do what it says, and whatever is no file.
func newJumper(r io.Reader) (jumper, error) {
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return jumper{}, nil
		}
	}
	to, ok := r.(io.Seeker)
	if !ok {
		return jumper{}, nil
	}
	here, err := to.Seek(0, io.SeekCurrent)
	if err != nil {
		return jumper{}, nil
	}
	end, err := to.Seek(0, io.SeekEnd)
	if err != nil {
		return jumper{}, nil
	}
	if _, err := to.Seek(here, io.SeekStart); err != nil {
		return jumper{}, errors.Wrap(err, "seek in input")
	}
	return jumper{to: to, end: end - here}, nil
}

// over uses up bytes of an input, n at the most and not beyond the end, where
// that saves reading them. It gives their number.
func (j jumper) over(in *input, n int64) (int64, error) {
	have := in.hi - in.lo
	if j.to == nil || in.err != nil || n-int64(have) < leastJump {
		return 0, nil
	}
	way := min(n-int64(have), j.end-in.off-int64(have))
	if way <= 0 {
		return 0, nil
	}
	in.discard(have)
	if _, err := j.to.Seek(way, io.SeekCurrent); err != nil {
		return int64(have), errors.Wrapf(err, "seek in input at offset %d", in.off)
	}
	in.off += way
	in.meter.in.Add(way)
	return int64(have) + way, nil
}
