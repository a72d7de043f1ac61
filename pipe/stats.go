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

	// The memory of the guest whose save stream the payload is, in bytes, as far as
	// its configuration has passed and tells: about as long as the payload is going to
	// be, if it holds each page once. 0 if that is not known.
	GuestMemory int64 `json:"guest_memory"`

	// What frames waited for, in seconds: the source, a worker, the destination.
	// Together they are about Seconds, and the largest is the bottleneck.
	WaitReader  float64 `json:"wait_reader"`
	WaitWorkers float64 `json:"wait_workers"`
	WaitWriter  float64 `json:"wait_writer"`

	// Of a Compressor: data frames by the level that made them, and the content
	// that elided frames leave out because it is zero, in bytes.
	Levels    LevelCounts `json:"levels"`
	ZeroBytes int64       `json:"zero_bytes"`

	// Of a Compressor that verifies: what that took, in seconds of all workers
	// together, and how many frames did not decode to their content.
	VerifySeconds float64 `json:"verify_seconds"`
	CodecFailures int64   `json:"codec_failures"`
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
	memory          atomic.Int64        // of the guest
	waited          [sides]atomic.Int64 // nanoseconds
	levels          [madeLevels]atomic.Int64
	zero            atomic.Int64
	verifying       atomic.Int64 // nanoseconds
	failures        atomic.Int64
	start           time.Time
	took            atomic.Int64 // nanoseconds, 0 until stopped
}

// stop ends the measured time. Only the first stop counts.
func (m *meter) stop() { m.took.CompareAndSwap(0, int64(max(1, time.Since(m.start)))) }

// reset begins anew.
func (m *meter) reset() {
	for _, n := range []*atomic.Int64{&m.in, &m.out, &m.frames, &m.memory, &m.zero, &m.verifying, &m.failures, &m.took} {
		n.Store(0)
	}
	for i := range m.waited {
		m.waited[i].Store(0)
	}
	for i := range m.levels {
		m.levels[i].Store(0)
	}
	m.start = time.Now()
}

// now is the time since the start.
func (m *meter) now() time.Duration { return time.Since(m.start) }

// wait counts the time from since to now as spent waiting for a side, and gives
// now.
func (m *meter) wait(s side, since time.Duration) time.Duration {
	now := m.now()
	m.waited[s].Add(int64(now - since))
	return now
}

func (m *meter) stats() Stats {
	took := time.Duration(m.took.Load())
	if took == 0 {
		took = time.Since(m.start)
	}
	s := Stats{
		BytesIn: m.in.Load(), BytesOut: m.out.Load(), Frames: m.frames.Load(),
		Seconds:     took.Seconds(),
		GuestMemory: m.memory.Load(),
		WaitReader:  time.Duration(m.waited[reader].Load()).Seconds(),
		WaitWorkers: time.Duration(m.waited[workers].Load()).Seconds(),
		WaitWriter:  time.Duration(m.waited[writer].Load()).Seconds(),

		ZeroBytes:     m.zero.Load(),
		VerifySeconds: time.Duration(m.verifying.Load()).Seconds(),
		CodecFailures: m.failures.Load(),
	}
	for l := range s.Levels {
		s.Levels[l] = m.levels[l].Load()
	}
	return s
}

// count counts a frame that has left.
func (m *meter) count(j *job) {
	if j.size == 0 {
		return
	}
	m.in.Add(int64(j.made.item.Size))
	m.frames.Add(1)
	m.levels[j.made.level].Add(1)
	m.zero.Add(int64(j.made.zero))
	m.verifying.Add(int64(j.verifying))
	if j.failed {
		m.failures.Add(1)
	}
}
