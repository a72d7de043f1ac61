// Package bufpool lends byte buffers of one size class.
//
// It stands on valyala/bytebufferpool and closes four of its traps: a buffer
// comes out presized, so that appending never regrows it; a buffer that grew
// past the cap is dropped rather than kept for ever (the library keeps every
// size until it has calibrated, after 42,000 puts); the loans are
// counted, so that a test can demand that all came back; and what one processor
// has put back another gets (the library keeps the last one for each, so that a filter
// comes to have a buffer of megabytes more for every processor).
//
// A buffer has one owner at a time: who got it may pass it on, and the last
// owner puts it back exactly once and does not touch it again.
package bufpool

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/valyala/bytebufferpool"
)

// Buffer is a borrowed buffer; B is its content.
type Buffer = bytebufferpool.ByteBuffer

// out counts the loans of all pools.
var out atomic.Int64

// Out gives the number of buffers of all pools that are out: a program that has
// ended all its work has none.
func Out() int64 { return out.Load() }

// Pool lends buffers of at least one fixed capacity. It is safe for
// concurrent use.
type Pool struct {
	pool      bytebufferpool.Pool
	size, max int
	keeps     int
	loans     atomic.Int64

	mu   sync.Mutex
	near []*Buffer // the last ones that came back, up to keeps; the others are in pool
}

// mostNear is how many buffers a pool keeps whatever the collector does, unless it is told otherwise. Of a filter
// at work few are at home.
const mostNear = 4

// New makes a pool whose buffers have at least size bytes of capacity. A
// buffer that has grown over max bytes is not kept.
func New(size, max int) *Pool { return NewKeeping(mostNear, size, max) }

// NewKeeping makes a pool that keeps so many buffers whatever the collector does, for a user who has
// many at times and few at others, and who calls Trim at the end of that.
func NewKeeping(keeps, size, max int) *Pool { return &Pool{size: size, max: max, keeps: keeps} }

// Get lends an empty buffer. Its old bytes are not cleared.
func (p *Pool) Get() *Buffer { return p.GetSize(p.size) }

// GetSize lends an empty buffer of at least n bytes of capacity, and never less
// than the pool's size.
func (p *Pool) GetSize(n int) *Buffer {
	p.loans.Add(1)
	out.Add(1)
	n = max(n, p.size)
	b := p.take(n)
	if cap(b.B) < n {
		b.B = make([]byte, 0, n)
		adviseHuge(b.B)
	}
	return b
}

// Put takes a buffer back. The caller must not use it, or a slice of it,
// after that.
func (p *Pool) Put(b *Buffer) {
	p.loans.Add(-1)
	out.Add(-1)
	if cap(b.B) > p.max {
		return
	}
	if !p.keep(b) {
		p.leave(b)
	}
}

// leave leaves a buffer to the library, and so to the collector.
func (p *Pool) leave(b *Buffer) {
	// The library learns its default size from the lengths it sees, so it is
	// shown the length that we want back.
	b.B = b.B[:min(p.size, cap(b.B))]
	p.pool.Put(b)
}

// take gives the buffer that came back last, whose bytes are the likeliest to be in a cache, of those with a
// capacity of n. If there is none, it gives the oldest, to be grown.
func (p *Pool) take(n int) *Buffer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.near) == 0 {
		return p.pool.Get()
	}
	i := len(p.near) - 1
	for i > 0 && cap(p.near[i].B) < n {
		i--
	}
	b := p.near[i]
	p.near = slices.Delete(p.near, i, i+1)
	b.Reset()
	return b
}

// keep keeps a buffer near, if there is room.
func (p *Pool) keep(b *Buffer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.near) == p.keeps {
		return false
	}
	p.near = append(p.near, b)
	return true
}

// Trim leaves all but the usual few of the buffers at home to the collector.
func (p *Pool) Trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.near) > mostNear {
		last := len(p.near) - 1
		p.leave(p.near[last])
		p.near = slices.Delete(p.near, last, last+1)
	}
}

// Loans gives the number of buffers that are out: 0 when all came back.
func (p *Pool) Loans() int64 { return p.loans.Load() }
