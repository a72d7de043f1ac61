package bench

import (
	"context"
	stderrors "errors"
	"io"
	"os"
	"time"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/bench/link"
	"github.com/ctxpipe/ctxpipe/bench/peers"
	"github.com/ctxpipe/ctxpipe/bench/proc"
	"github.com/ctxpipe/ctxpipe/bench/result"
)

// line is a row of programs and copies with pipes between them. What is added next
// reads what the last has written. Whoever ends lets go of both its ends, so that a
// failure anywhere ends all of them.
type line struct {
	ctx  context.Context
	out  io.ReadCloser // of what was added last
	cost chan proc.Cost
	ends chan error // of everything that was added
	n    int        // how much that is
}

// mostEnds is more than any line has programs and copies.
const mostEnds = 8

func newLine(ctx context.Context) *line {
	return &line{ctx: ctx, cost: make(chan proc.Cost, mostEnds), ends: make(chan error, mostEnds)}
}

// work does something beside the rest of the line.
func (l *line) work(do func() error) {
	l.n++
	go func() { l.ends <- do() }()
}

// start adds a program that reads a file, which stays the caller's.
func (l *line) start(c proc.Command, in *os.File, counts bool) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	p, err := proc.Start(l.ctx, c, in, w)
	w.Close()
	if err != nil {
		r.Close()
		return err
	}
	l.out = r
	l.work(func() error {
		cost, err := p.Wait()
		if counts {
			l.cost <- cost
		}
		return err
	})
	return nil
}

// run adds a program that reads the pipe so far.
func (l *line) run(c proc.Command) error {
	in := l.out.(*os.File)
	defer in.Close()
	return l.start(c, in, true)
}

// copy adds a copy into w.
func (l *line) copy(w io.WriteCloser, out io.ReadCloser) {
	in := l.out
	l.out = out
	l.work(func() error {
		// A wrapped reader and writer know no short cuts, which are not the same for all.
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{in}, make([]byte, 256<<10))
		in.Close()
		if e := w.Close(); err == nil {
			err = e
		}
		return err
	})
}

// end reads all that the last has written, and waits for everybody. Where one fails
// those beside it often fail for its sake, so all of them are told.
func (l *line) end() (int64, error) {
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, l.out, make([]byte, 1<<20))
	l.out.Close()
	for range l.n {
		err = stderrors.Join(err, <-l.ends)
	}
	return n, err
}

// move moves an input: cat, compressor, link, decompressor, and a consumer that counts.
// The connection is there before the clock starts, the programs are not.
func move(ctx context.Context, way peers.Way, in *input, over *link.Link) (result.Sample, error) {
	send, receive, err := over.Open()
	if err != nil {
		return result.Sample{}, err
	}
	defer send.Close() // again, where the line has it
	defer receive.Close()
	if err := in.rewind(); err != nil {
		return result.Sample{}, err
	}
	began := time.Now()
	l := newLine(ctx)
	if err := l.start(proc.Command{"cat"}, in.file, false); err != nil {
		return result.Sample{}, err
	}
	err = l.through(way, send, receive)
	n, e := l.end()
	wall := time.Since(began)
	if err = stderrors.Join(err, e); err == nil && n != in.Bytes {
		err = errors.Errorf("%s moved %d bytes of %d", way.Name, n, in.Bytes)
	}
	close(l.cost)
	var cost proc.Cost
	for c := range l.cost {
		cost = cost.Plus(c)
	}
	return sampleOf(wall, cost), err
}

// through puts the line together behind cat.
func (l *line) through(way peers.Way, send io.WriteCloser, receive io.ReadCloser) error {
	if way.Role != result.Plain {
		if err := l.run(way.Compress); err != nil {
			return err
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	l.copy(send, receive)
	l.copy(w, r)
	if way.Role == result.Plain {
		return nil
	}
	return l.run(way.Restore)
}
