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
	in       *bufpool.Buffer // what is being filled, or the content; nil before and after
	from     int             // bytes of in that have left by way of another job
	content  []byte          // in from there on
	size     int             // of the content; 0 if only a seal leaves
	header   []byte          // header and lock, if they stand before this frame
	out      *bufpool.Buffer // header and frame, if a codec has made it
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
	pool   *bufpool.Pool // of buffers for a chunk or a frame
	makers []*frameMaker
	levels chooser
	vec    *vecio.Writer

	home, work, order chan *job
	running           sync.WaitGroup
	open              bool
}

func (l *line) init(cfg compressConfig) error {
	// One size serves for what comes in and for what goes out.
	size := frameSize(cfg.chunk)
	l.pool = bufpool.NewKeeping(2*(cfg.workers+spareJobs), size, size)
	for range cfg.workers {
		m := &frameMaker{most: cfg.level, out: l.pool}
		if cfg.verify {
			v, err := newVerifier(cfg.chunk)
			if err != nil {
				return err
			}
			m.verify = v
		}
		l.makers = append(l.makers, m)
	}
	return nil
}

// start makes the jobs and starts the goroutines.
func (l *line) start(c *Compressor) {
	jobs := len(l.makers) + spareJobs
	l.home, l.work, l.order = make(chan *job, jobs), make(chan *job, jobs), make(chan *job, jobs)
	for range jobs {
		l.home <- &job{done: make(chan struct{}, 1)}
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
		j.in = l.pool.Get()
		return j
	case <-c.ctx.Done():
		return nil
	}
}

// send sends a filled job down the line.
func (l *line) send(c *Compressor, j *job) {
	j.timing.sent = c.now()
	l.order <- j
	l.work <- j
}

// encode is a worker.
func (l *line) encode(c *Compressor, m *frameMaker) {
	runtime.LockOSThread() // for threadTime
	defer runtime.UnlockOSThread()
	for j := range l.work {
		if c.ctx.Err() == nil && j.size > 0 {
			j.timing.began = c.now()
			had := threadTime()
			j.level = l.levels.choose(j)
			m.make(j, j.level)
			j.timing.done, j.timing.cpu = c.now(), threadTime()-had
			l.levels.made(j)
			if j.out != nil {
				l.putIn(j) // a frame that a codec has made needs it no more
			}
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
			if j.size > 0 {
				j.timing.left, j.timing.queued = ready, l.vec.Queued()
				l.levels.left(j)
			}
		}
		l.goHome(j)
	}
}

// goHome sends a job home, with nothing.
func (l *line) goHome(j *job) {
	l.drop(j)
	j.from, j.size, j.seal, j.header = 0, 0, false, j.header[:0]
	j.made = encodedFrame{vec: j.made.vec[:0]}
	j.failed, j.verifying = false, 0
	l.home <- j
}

// putIn gives back what a job's content lies in.
func (l *line) putIn(j *job) {
	if j.in != nil {
		l.pool.Put(j.in)
		j.in, j.content = nil, nil
	}
}

// frames gives how many frames the job makes.
func (j *job) frames() int {
	n := 0
	if j.size > 0 {
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
		j.in = l.pool.Get()
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
// ends the goroutines. Most buffers are the collector's then.
func (l *line) stop() {
	if !l.open {
		return
	}
	l.open = false
	close(l.work)
	close(l.order)
	l.running.Wait()
	l.home = nil
	l.pool.Trim()
}

// drop gives the buffers of a job back.
func (l *line) drop(j *job) {
	if j != nil {
		l.putIn(j)
		j.putOut(l.pool)
	}
}

// putOut gives back what a codec has made.
func (j *job) putOut(pool *bufpool.Pool) {
	if j.out != nil {
		pool.Put(j.out)
		j.out = nil
	}
}
