package pipe

import (
	"sync/atomic"
	"time"
)

// Stats says what a filter has done so far.
type Stats struct {
	BytesIn  int64   `json:"bytes_in"`  // taken from the caller or the source
	BytesOut int64   `json:"bytes_out"` // given to the destination or the caller
	Frames   int64   `json:"frames"`    // data frames made or verified
	Seconds  float64 `json:"seconds"`   // from the filter's making to its end, or to now

	// What frames waited for, in seconds: the source, a worker, the destination.
	// Together they are about Seconds, and the largest is the bottleneck.
	WaitReader  float64 `json:"wait_reader"`
	WaitWorkers float64 `json:"wait_workers"`
	WaitWriter  float64 `json:"wait_writer"`
}

// A side is what a filter waits for.
type side int

const (
	reader side = iota
	workers
	writer
	sides
)

// meter counts. Its counters may be read while they move.
type meter struct {
	in, out, frames atomic.Int64
	waited          [sides]atomic.Int64 // nanoseconds
	start           time.Time
	took            atomic.Int64 // nanoseconds, 0 until stopped
}

// stop ends the measured time. Only the first stop counts.
func (m *meter) stop() { m.took.CompareAndSwap(0, int64(max(1, time.Since(m.start)))) }

// reset begins anew.
func (m *meter) reset(start time.Time) {
	m.in.Store(0)
	m.out.Store(0)
	m.frames.Store(0)
	for i := range m.waited {
		m.waited[i].Store(0)
	}
	m.took.Store(0)
	m.start = start
}

// wait counts the time from since to now as spent waiting for a side, and gives
// now.
func (m *meter) wait(s side, since time.Time) time.Time {
	now := time.Now()
	m.waited[s].Add(int64(now.Sub(since)))
	return now
}

func (m *meter) stats() Stats {
	took := time.Duration(m.took.Load())
	if took == 0 {
		took = time.Since(m.start)
	}
	return Stats{
		BytesIn: m.in.Load(), BytesOut: m.out.Load(), Frames: m.frames.Load(),
		Seconds:     took.Seconds(),
		WaitReader:  time.Duration(m.waited[reader].Load()).Seconds(),
		WaitWorkers: time.Duration(m.waited[workers].Load()).Seconds(),
		WaitWriter:  time.Duration(m.waited[writer].Load()).Seconds(),
	}
}
