package pipe

import (
	"context"
	"sync"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/vecio"
)

// spareJobs is how many jobs there are beside one for each worker: one that is
// being filled and one that is being written.
const spareJobs = 2

// maxHeaderFrame is more than the header that a Compressor writes needs.
const maxHeaderFrame = 128

// job is a chunk on its way to be a frame. It is owned by one at a time: who
// fills it, the line, a worker, the writer.
type job struct {
	in     *bufpool.Buffer // the content
	out    *bufpool.Buffer // the header, if it stands before this frame, then what the codec makes
	header int             // bytes of out that are the header
	made   encodedFrame
	done   chan struct{} // gets a token when a worker is done
}

// line takes jobs in order, lets workers encode them in any order, and writes
// the frames in the order of the jobs:
//
//	home -> being filled -> work -> a worker --done--> the writer -> home
//	                        order -----------------------^
//
// All channels have room for every job, so only home ever makes somebody wait.
// Its goroutines run from the first job to stop.
type line struct {
	pool     *bufpool.Pool
	encoders []frameEncoder
	vec      *vecio.Writer

	home, work, order chan *job
	running           sync.WaitGroup
	open              bool
}

func (l *line) init(cfg compressConfig) error {
	for range cfg.workers {
		enc, err := newFrameEncoder(cfg.chunk)
		if err != nil {
			return err
		}
		l.encoders = append(l.encoders, enc)
	}
	// One size serves for what comes in and for what goes out.
	size := maxHeaderFrame + zst.MaxFrameSize(cfg.chunk)
	l.pool = bufpool.New(size, size)
	return nil
}

// start lends the buffers and starts the goroutines.
func (l *line) start(c *Compressor) {
	jobs := len(l.encoders) + spareJobs
	l.home, l.work, l.order = make(chan *job, jobs), make(chan *job, jobs), make(chan *job, jobs)
	for range jobs {
		l.home <- &job{in: l.pool.Get(), out: l.pool.Get(), done: make(chan struct{}, 1)}
	}
	l.open = true
	for _, enc := range l.encoders {
		l.running.Go(func() { l.encode(c.ctx, enc) })
	}
	l.running.Go(func() { l.write(c) })
}

// take gives an empty job, nil if the context is done before there is one.
func (l *line) take(c *Compressor) *job {
	if !l.open {
		l.start(c)
	}
	select {
	case j := <-l.home:
		return j
	case <-c.ctx.Done():
		return nil
	}
}

// send sends a filled job down the line.
func (l *line) send(j *job) {
	j.header = len(j.out.B)
	l.order <- j
	l.work <- j
}

// encode is a worker.
func (l *line) encode(ctx context.Context, enc frameEncoder) {
	for j := range l.work {
		if ctx.Err() == nil {
			enc.encode(j)
		}
		j.done <- struct{}{}
	}
}

// write is the writer. After a failure it only sends the jobs home.
func (l *line) write(c *Compressor) {
	for j := range l.order {
		<-j.done
		if c.ctx.Err() == nil {
			if err := c.leave(j); err != nil {
				c.cancel(err)
			}
		}
		j.in.B, j.out.B, j.made = j.in.B[:0], j.out.B[:0], encodedFrame{vec: j.made.vec[:0]}
		l.home <- j
	}
}

// allHome waits until every job is home: all that was sent has been written.
// It returns false if the context was done before that.
func (l *line) allHome(ctx context.Context) bool {
	if !l.open {
		return ctx.Err() == nil
	}
	home := make([]*job, 0, cap(l.home))
	defer func() {
		for _, j := range home {
			l.home <- j
		}
	}()
	for range cap(l.home) {
		select {
		case j := <-l.home:
			home = append(home, j)
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// stop waits until what was sent has left, or was dropped after a failure, and
// ends the goroutines. The buffers of the jobs at home go back.
func (l *line) stop() {
	if !l.open {
		return
	}
	l.open = false
	close(l.work)
	close(l.order)
	l.running.Wait()
	for len(l.home) > 0 {
		l.drop(<-l.home)
	}
}

// drop gives the buffers of a job back.
func (l *line) drop(j *job) {
	if j != nil {
		l.pool.Put(j.in)
		l.pool.Put(j.out)
	}
}
