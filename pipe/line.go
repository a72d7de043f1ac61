package pipe

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
	"github.com/ctxpipe/ctxpipe/internal/vecio"
)

// spareJobs is how many jobs there are beside one for each worker: one that is
// being filled and one that is being written.
const spareJobs = 2

// maxHeaderFrame is more than header and lock need.
const maxHeaderFrame = 128

// job is a chunk on its way to be a frame. It is owned by one at a time: who
// fills it, the line, a worker, the writer.
type job struct {
	in       *bufpool.Buffer // what is being filled, or the content
	from     int             // bytes of in that have left by way of another job
	content  []byte          // in from there on; empty if only a seal leaves
	out      *bufpool.Buffer // header and lock, if they stand before this frame, then what the codec makes
	header   int             // bytes of out that are header and lock
	seal     bool            // a seal stands behind the frame
	sealed   []byte          // that seal
	elider   zst.Elider
	level    Level    // that was chosen
	forecast forecast // of the chooser
	made     encodedFrame

	failed    bool          // the codec's frame did not decode to its content
	verifying time.Duration // what finding out has taken
	timing    timing

	done chan struct{} // gets a token when a worker is done
}

// timing is what happened to a job when, counted from the Compressor's start.
type timing struct {
	sent  time.Duration // by the reader
	began time.Duration // to be encoded
	done  time.Duration
	cpu   time.Duration // that encoding took of a processor; 0 if it is not known
	write time.Duration // began
	left  time.Duration

	queued int // bytes that waited behind it in the destination's queue
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
	pool   *bufpool.Pool
	makers []*frameMaker
	levels chooser
	vec    *vecio.Writer

	home, work, order chan *job
	running           sync.WaitGroup
	open              bool
}

func (l *line) init(cfg compressConfig) error {
	for range cfg.workers {
		m := &frameMaker{}
		if cfg.verify {
			v, err := newVerifier(cfg.chunk)
			if err != nil {
				return err
			}
			m.verify = v
		}
		l.makers = append(l.makers, m)
	}
	// One size serves for what comes in and for what goes out.
	size := frameSize(cfg.chunk)
	l.pool = bufpool.New(size, size)
	return nil
}

// start lends the buffers and starts the goroutines.
func (l *line) start(c *Compressor) {
	jobs := len(l.makers) + spareJobs
	l.home, l.work, l.order = make(chan *job, jobs), make(chan *job, jobs), make(chan *job, jobs)
	for range jobs {
		l.home <- &job{in: l.pool.Get(), out: l.pool.Get(), done: make(chan struct{}, 1)}
	}
	l.open = true
	for _, m := range l.makers {
		l.running.Go(func() { l.encode(c, m) })
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
func (l *line) send(c *Compressor, j *job) {
	j.header = len(j.out.B)
	j.timing.sent = c.now()
	l.order <- j
	l.work <- j
}

// encode is a worker.
func (l *line) encode(c *Compressor, m *frameMaker) {
	runtime.LockOSThread() // for threadTime
	defer runtime.UnlockOSThread()
	for j := range l.work {
		if c.ctx.Err() == nil && len(j.content) > 0 {
			j.timing.began = c.now()
			had := threadTime()
			j.level = l.levels.choose(j)
			m.make(j, j.level)
			j.timing.done, j.timing.cpu = c.now(), threadTime()-had
			l.levels.made(j)
		}
		j.done <- struct{}{}
	}
}

// write is the writer. After a failure it only sends the jobs home.
func (l *line) write(c *Compressor) {
	ready := c.now()
	for j := range l.order {
		ready = c.meter.wait(reader, ready)
		<-j.done
		ready = c.meter.wait(workers, ready)
		if c.ctx.Err() == nil {
			j.timing.write = ready
			if err := c.leave(j); err != nil {
				c.cancel(err)
			}
			ready = c.meter.wait(writer, ready)
			if len(j.content) > 0 {
				j.timing.left, j.timing.queued = ready, l.vec.Queued()
				l.levels.left(j)
			}
		}
		l.goHome(j)
	}
}

// goHome sends a job home, empty.
func (l *line) goHome(j *job) {
	j.empty()
	j.out.B, j.made = j.out.B[:0], encodedFrame{vec: j.made.vec[:0]}
	j.failed, j.verifying = false, 0
	l.home <- j
}

// empty makes room for another content.
func (j *job) empty() {
	j.in.B, j.from, j.content, j.seal = j.in.B[:0], 0, nil, false
}

// frames gives how many frames the job makes.
func (j *job) frames() int {
	n := 0
	if len(j.content) > 0 {
		n++
	}
	if j.seal {
		n++
	}
	return n
}

// spare gives an empty job if there is one at home.
func (l *line) spare() *job {
	select {
	case j := <-l.home:
		return j
	default:
		return nil
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
