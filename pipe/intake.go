package pipe

import (
	"context"
	"sync"
	"time"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

// intake is one run of a Restorer over one source: a scanner that cuts the input
// into parts, and workers that decode them in any order.
//
//	home -> the scanner -> work -> a worker --done--> the caller -> home
//	                  `--> order -----------------------^
//
// The scanner alone touches the source, so that a source that gives nothing
// keeps nobody from what is ready. All channels have room for every part, so
// only home, the source and a ring full of what is lent ever make the scanner wait.
type intake struct {
	ctx    context.Context // done after the first failure, which is its cause
	cancel context.CancelCauseFunc
	src    *source

	home, work, order chan *part
	given             *part // what the caller has, until it asks for another
	workers           sync.WaitGroup
	scanned           chan struct{} // closed when the scanner has ended
	pools             *pools
	dec               *decoder
}

// pools lend buffers for what comes in and for what goes out.
type pools struct{ in, out *bufpool.Pool }

// spareParts is how many parts there are beside one for each worker: the one that the
// scanner fills, or whose content the caller is writing. It keeps that one so long, since
// otherwise one content more could wait for it.
const spareParts = 1

// startIntake starts the scanner and the workers.
func startIntake(src *source, cfg *restoreConfig, m *meter, p *pools, dec *decoder) *intake {
	n := cfg.workers + spareParts
	t := &intake{
		src: src, pools: p, dec: dec, scanned: make(chan struct{}),
		home: make(chan *part, n), work: make(chan *part, n), order: make(chan *part, n),
	}
	t.ctx, t.cancel = context.WithCancelCause(cfg.ctx)
	t.home <- newPart() // the others follow when it is known how large they are
	for range cfg.workers {
		t.workers.Go(t.decode)
	}
	s := &scanner{cfg: cfg, intake: t, in: newInput(src, m, p.in), meter: m}
	s.in.done = t.ctx.Done()
	go func() {
		defer close(t.scanned)
		s.run()
		if t.ctx.Err() != nil {
			t.drain() // whoever gave up may have drained too early
		}
	}()
	return t
}

func newPart() *part { return &part{done: make(chan struct{}, 1)} }

// take gives an empty part, nil if the context is done before there is one.
func (t *intake) take() *part {
	select {
	case p := <-t.home:
		return p
	case <-t.ctx.Done():
		return nil
	}
}

// send sends a part to the caller, and to the workers first if it has to be
// decoded.
func (t *intake) send(p *part) {
	// Once it is in order, the caller may let it go.
	decode, done := p.kind == partZstd || p.kind == partFast, p.done
	t.order <- p
	if decode {
		t.work <- p
	} else {
		done <- struct{}{}
	}
}

// decode is a worker.
func (t *intake) decode() {
	for {
		select {
		case p := <-t.work:
			if p == nil {
				return // the scanner has ended
			}
			t.dec.decode(p, t.pools.out)
			p.done <- struct{}{}
		case <-t.ctx.Done():
			return
		}
	}
}

// next gives the next part in order when it is ready, or why there is none, and
// takes the last one back. It counts what it waits for, from now on.
func (t *intake) next(m *meter) (*part, error) {
	if t.given != nil {
		t.home <- t.given
		t.given = nil
	}
	now := m.now()
	select {
	case p := <-t.order:
		now = m.wait(reader, now)
		select {
		case <-p.done:
			m.wait(workers, now)
			t.given = p
			return p, nil
		case <-t.ctx.Done():
			t.workers.Wait() // one may be at it
			t.empty(p)
		}
	case <-t.ctx.Done():
	}
	// Not the bare cause: if that were io.EOF, it would pass for success.
	return nil, errors.Wrap(context.Cause(t.ctx), "stopped")
}

// empty gives back what a part has.
func (t *intake) empty(p *part) {
	p.loan.back()
	if p.out != nil {
		t.pools.out.Put(p.out)
	}
	*p = part{done: p.done}
}

// grace is how long stop waits for a source that says nothing about when it
// will be back. Most are not stuck at all, but just being read.
const grace = 100 * time.Millisecond

// stop ends everything, for a reason if it was not ended before, and waits for
// all goroutines but a scanner that is stuck in its source. That one ends when
// the source lets it go, and touches nothing any more.
func (t *intake) stop(cause error) {
	t.cancel(cause)
	if t.src.leave() {
		<-t.scanned
		t.src.back()
	} else {
		select {
		case <-t.scanned:
		case <-time.After(grace):
		}
	}
	t.drain()
}

// drain gives back the buffers of the parts that nobody will take.
func (t *intake) drain() {
	t.workers.Wait()
	for {
		select {
		case p := <-t.order:
			t.empty(p)
		default:
			return
		}
	}
}
