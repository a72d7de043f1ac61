package pipe

import (
	"context"
	stderrors "errors"
	"fmt"
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/xio"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

const (
	// passSize is how much is read at a time; what is there is passed on at once.
	passSize = 256 << 10
	// leastSplice is the least that is worth a splice, and beforeSplice what is read
	// at a time in front of one: what is read of a page is copied.
	leastSplice  = 64 << 10
	beforeSplice = 8 << 10
	// passLimit is the most that is held back.
	passLimit = 64 << 20
)

// Pass copies src to dst, up to its end of file, while w walks over what passes, so
// that a check can stand in line with a migration. It gives the bytes written. It
// closes w, and neither src nor dst.
//
// The first rule that is broken ends it, and nothing more is written: what of a save
// stream would start a guest, from libxc's END on, is written only when the stream
// has come to its last END and all of it was good. After that everything is passed
// on as it comes.
//
// Between two pipes, contents that the walker does not look at are moved by splice,
// where the system has that, and never seen by the process. A splice or a read that
// waits is not interrupted by ctx.
//
// Errors are those of w, as *[frame.Error]; of src and dst; the context's cause; and
// [frame.ErrTooLarge] if more than 64 MiB would have to be held back.
func Pass(ctx context.Context, dst io.Writer, src io.Reader, w *xen.Walker) (int64, error) {
	p := passer{dst: dst, src: src, w: w, buf: make([]byte, passSize)}
	p.splice = newSplice(dst, src)
	for {
		if ctx.Err() != nil {
			return p.written, errors.Wrap(context.Cause(ctx), "stopped")
		}
		err := p.step()
		if err == io.EOF {
			if err = w.Close(); err == nil {
				err = p.write(p.held)
			}
			return p.written, err
		}
		if err != nil {
			return p.written, err
		}
	}
}

// errNoSplice says that these two cannot be spliced after all.
var errNoSplice = stderrors.New("no splice")

type passer struct {
	dst     io.Writer
	src     io.Reader
	w       *xen.Walker
	splice  *splice // nil if there is none
	buf     []byte
	held    []byte // what may not leave yet
	written int64
}

// step passes on what comes next; io.EOF at the end.
func (p *passer) step() error {
	if n := p.w.Skippable(); p.splice != nil && n >= leastSplice && p.mayLeave() == p.w.Offset() && len(p.held) == 0 {
		n, err := p.splice.move(n)
		if err == errNoSplice {
			p.splice = nil
			return nil
		}
		p.written += n
		if err == nil {
			err = p.w.Skip(n)
		}
		return err
	}
	buf := p.buf
	if p.splice != nil {
		buf = buf[:beforeSplice]
	}
	n, err := xio.ReadSome(p.src, buf)
	if err != nil && err != io.EOF {
		return errors.Wrapf(err, "read input at offset %d", p.w.Offset())
	}
	if e := p.take(buf[:n]); e != nil {
		return e
	}
	return err
}

// take walks over b and passes on what may leave.
func (p *passer) take(b []byte) error {
	if _, err := p.w.Write(b); err != nil {
		return err
	}
	n := len(p.held) + len(b) - int(p.w.Offset()-p.mayLeave()) // of both, what leaves
	if len(p.held) == 0 {
		if err := p.write(b[:n]); err != nil {
			return err
		}
		p.held = append(p.held, b[n:]...)
	} else {
		p.held = append(p.held, b...)
		if err := p.write(p.held[:n]); err != nil {
			return err
		}
		p.held = append(p.held[:0], p.held[n:]...)
	}
	if len(p.held) > passLimit {
		return fmt.Errorf("more than %d bytes would have to be held back: %w", passLimit, frame.ErrTooLarge)
	}
	return nil
}

// mayLeave gives the offset up to which bytes may leave.
func (p *passer) mayLeave() int64 {
	if p.w.Complete() {
		return p.w.Offset()
	}
	return p.w.Safe()
}

func (p *passer) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, err := p.dst.Write(b)
	p.written += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return errors.Wrapf(err, "write output at offset %d", p.written)
}
