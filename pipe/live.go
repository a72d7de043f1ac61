package pipe

import (
	"fmt"
	"sync"
	"time"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// DefaultPause is the pause of a source that is long enough for [WithLive] unless
// somebody knows better: well above what a source leaves between two writes, and little
// beside a round trip.
const DefaultPause = 2 * time.Millisecond

// WithLive makes a live stream, for a payload whose receiver is waited for, as in a
// migration: spec §11. When nothing was written for the length of pause, all that was taken leaves,
// with a seal behind it that lets the other side pass it on. The payload has to be a
// save stream of Xen. At its end everything leaves at once, and so does each write after that:
// the messages of a migration follow on the same pipe.
//
// The pause is from 100 µs to a minute. Only a [Restorer] that knows the format
// [zst.FormatLive] can read the stream.
func WithLive(pause time.Duration) Option {
	return compressOption(func(c *compressConfig) error {
		c.live = pause
		return inRange("WithLive", int64(pause), int64(100*time.Microsecond), int64(time.Minute))
	})
}

// pauses watches for pauses in what a Compressor is given. Its goroutine runs from the
// first byte to stop.
type pauses struct {
	after time.Duration // 0: do not
	timer *time.Timer   // nil as long as nothing runs
	armed bool          // the timer is going to fire
	last  time.Time     // when something was last given
	quit  chan struct{}
	done  sync.WaitGroup
}

// given is told that something was given, under the Compressor's lock.
func (p *pauses) given(c *Compressor) {
	if p.after == 0 {
		return
	}
	p.last = time.Now()
	switch {
	case p.timer == nil:
		p.timer, p.quit = time.NewTimer(p.after), make(chan struct{})
		p.done.Go(func() { p.watch(c, p.timer, p.quit) })
	case !p.armed:
		p.timer.Reset(p.after)
	}
	p.armed = true
}

// watch lets what was taken leave in every pause.
func (p *pauses) watch(c *Compressor, timer *time.Timer, quit chan struct{}) {
	for {
		select {
		case <-quit:
			return
		case <-timer.C:
			c.mu.Lock()
			left := p.after - time.Since(p.last)
			if left <= 0 && !c.leaveInPause() {
				left = p.after // all are busy: soon again
			}
			if p.armed = left > 0; p.armed {
				timer.Reset(left)
			}
			c.mu.Unlock()
		}
	}
}

// stop ends the goroutine. The Compressor's lock must not be held.
func (p *pauses) stop() {
	if p.timer != nil {
		p.timer.Stop()
		close(p.quit)
		p.done.Wait()
		p.timer, p.armed = nil, false
	}
}

// leaveInPause sends what was taken down the line with a seal behind it, and says
// whether that is done. A read may be under way into the rest of the chunk that is being
// filled, so that stays where it is, and what is in it is copied.
func (c *Compressor) leaveInPause() bool {
	waiting := c.filled != nil && len(c.filled.in.B) > c.filled.from
	if !waiting && !c.unsealed {
		return true
	}
	if c.taking {
		return false // whoever waits for room makes no pause
	}
	j := c.line.spare()
	if j == nil {
		return false
	}
	if waiting {
		in := c.filled.in.B
		j.in.B = append(j.in.B, in[c.filled.from:]...)
		c.filled.from = len(in)
	}
	c.send(j, true)
	return true
}

// complete says whether the last END of a save stream has passed.
func (w *follower) complete() bool { return w.walker != nil && w.walker.Complete() }

// judgeLive demands that the payload of a live stream is a save stream of Xen, as far as
// its kind is decided.
func (w *follower) judgeLive(rule frame.Rule) error {
	if w.walker == nil && !w.opaque {
		return nil
	}
	if _, yes := w.guards(); yes || w.check == CheckOff {
		return nil
	}
	return notLive(rule, w.kind().String())
}

// judgeLiveEnd demands that a live stream has come to the end of a save stream.
func (w *follower) judgeLiveEnd(rule frame.Rule) error {
	if w.complete() || w.check == CheckOff {
		return nil
	}
	return notLive(rule, "nothing")
}

func notLive(rule frame.Rule, got string) error {
	return &frame.Error{
		Layer: zst.Layer, Index: frame.NoIndex, Rule: rule, What: "payload of a live stream",
		Wanted: fmt.Sprintf("%v, %v or %v", xen.XL, xen.Libxl, xen.Libxc), Got: got, Err: frame.ErrCorrupt,
	}
}
