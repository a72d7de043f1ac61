package pipe

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// simulation moves chunks down a line like the real one, by a clock of its own:
// a source, workers and a link of given speeds.
type simulation struct {
	chooser chooser
	workers int
	source  float64                     // bytes a second
	link    func(time.Duration) float64 // bytes a second at that time
	buffer  int                         // bytes that the link takes at once
	pauses  []simPause                  // in order
	machine float64                     // how much slower than foreseen it is
	cpu     float64                     // part of the time that workers have a processor; 0 if it is not known

	processors int // 0 for as many as workers

	now    time.Duration
	worked time.Duration // by all workers
	sent   int           // bytes
	looked simChunk      // at by the chooser
	counts LevelCounts
	value  [madeLevels]float64 // of the chunks: part that can be packed, summed up

	slow     func(time.Duration) bool // nil or says when to count separately
	whenSlow LevelCounts

	written int           // bytes
	drained time.Duration // when the link will have sent all that it took
}

// simPause is a time until which the link takes nothing after so many bytes.
type simPause struct {
	after int
	until time.Duration
}

// simChunk is a chunk and what each level makes of it.
type simChunk struct {
	worth worth
	size  [madeLevels]int
	took  [madeLevels]time.Duration
}

// simJob is a job on its way.
type simJob struct {
	job
	chunk simChunk
	state simState
	until time.Duration
}

type simState int

const (
	simHome simState = iota
	simFilled
	simQueued
	simEncoded
	simDone
	simWritten
)

// run moves all chunks, and gives the time that it took.
func (s *simulation) run(chunks []simChunk) time.Duration {
	home := make([]*simJob, s.workers+spareJobs)
	for i := range home {
		home[i] = new(simJob)
	}
	var order []*simJob
	var reading, writing *simJob
	atWork := make([]*simJob, s.workers)
	for next := 0; next < len(chunks) || len(order) > 0 || reading != nil; {
		// Whoever can begin something now does.
		for again := true; again; {
			again = false
			if reading == nil && len(home) > 0 && next < len(chunks) {
				reading, home = home[0], home[1:]
				reading.timing = timing{}
				reading.chunk, reading.state = chunks[next], simFilled
				reading.until = s.now + seconds(float64(reading.chunk.worth.size)/s.source)
				next++
				again = true
			}
			for w := range atWork {
				if atWork[w] != nil {
					continue
				}
				for _, j := range order {
					if j.state == simQueued {
						s.encode(j)
						atWork[w], again = j, true
						break
					}
				}
			}
			if writing == nil && len(order) > 0 && order[0].state == simDone {
				writing = order[0]
				s.write(writing)
				again = true
			}
		}
		// Whatever ends next ends.
		s.now = s.soonest(reading, writing, atWork)
		if reading != nil && reading.until == s.now {
			reading.timing.sent, reading.state = s.now, simQueued
			order = append(order, reading)
			reading = nil
		}
		for w, j := range atWork {
			if j != nil && j.until == s.now {
				j.timing.done, j.state = s.now, simDone
				j.timing.cpu = seconds(s.cpu * (s.now - j.timing.began).Seconds())
				atWork[w] = nil
				s.chooser.made(&j.job)
			}
		}
		if writing != nil && writing.until == s.now {
			writing.timing.left = s.now
			writing.timing.queued = min(s.buffer, int(max(0, s.drained-s.now).Seconds()*s.link(s.now)))
			s.chooser.left(&writing.job)
			order, home = order[1:], append(home, writing)
			writing.state, writing = simHome, nil
		}
	}
	return max(s.now, s.drained)
}

func (s *simulation) soonest(reading, writing *simJob, atWork []*simJob) time.Duration {
	soon := time.Duration(1<<63 - 1)
	for _, j := range append([]*simJob{reading, writing}, atWork...) {
		if j != nil {
			soon = min(soon, j.until)
		}
	}
	return soon
}

func (s *simulation) encode(j *simJob) {
	s.looked = j.chunk
	j.timing.began = s.now
	j.level = s.chooser.choose(&j.job)
	j.made.size, j.state = j.chunk.size[j.level], simEncoded
	took := seconds(j.chunk.took[j.level].Seconds() * s.machine)
	j.until = s.now + took
	s.worked += took
	s.sent += j.made.size
	s.counts[j.level]++
	s.value[j.level] += float64(j.chunk.worth.packable) / float64(j.chunk.worth.size)
	if s.slow != nil && s.slow(s.now) {
		s.whenSlow[j.level]++
	}
}

func (s *simulation) write(j *simJob) {
	j.timing.write, j.state = s.now, simWritten
	rate := s.link(s.now)
	s.drained = max(s.drained, s.now)
	for _, p := range s.pauses {
		if s.written >= p.after {
			s.drained = max(s.drained, p.until)
		}
	}
	s.written += j.made.size
	s.drained += seconds(float64(j.made.size) / rate)
	j.until = max(s.now+1, s.drained-seconds(float64(s.buffer)/rate))
}

func seconds(s float64) time.Duration { return time.Duration(s * 1e9) }

// simKinds are chunks as guests have them, and how they differ from what is
// foreseen: how much a level saves in terms of what a look tells, and how long it
// takes.
var simKinds = []struct {
	zero, packable, yield, slow float64
}{
	{0.97, 0.02, 1.9, 1}, // never written to
	{0.02, 0.65, 1.25, 0.8},
	{0.10, 0.42, 1.55, 1},
	{0.00, 0.20, 2.3, 1.3},
	{0.00, 0.01, 1, 0.4}, // packed already
	{0.40, 0.40, 1.3, 1.1},
}

// simChunks makes chunks that come in runs of a kind, as files do.
func simChunks(n int) []simChunk {
	rng := rand.New(rand.NewPCG(7, 8))
	chunks := make([]simChunk, n)
	kind := simKinds[0]
	for i := range chunks {
		if rng.IntN(3) == 0 {
			kind = simKinds[rng.IntN(len(simKinds))]
		}
		vary := func() float64 { return 0.85 + 0.3*rng.Float64() }
		c := &chunks[i]
		size := DefaultChunk
		c.worth = worth{size: size, zero: int(kind.zero * float64(size)), packable: int(kind.packable * vary() * float64(size))}
		yield, slow := kind.yield*vary(), kind.slow*vary()
		for l := range LevelAuto {
			saved := float64(c.worth.zero) + yield*prospects[l].saves*float64(c.worth.packable)
			c.size[l] = max(64, size-int(min(saved, float64(size))))
			took := l.foreseen(c.worth) * slow
			if l == LevelElide {
				took = l.foreseen(c.worth) // whatever is in it
			}
			c.took[l] = seconds(took)
		}
	}
	return chunks
}

func simulate(chunks []simChunk, level Level, wire zst.Wire, s simulation) (time.Duration, simulation) {
	cfg := compressConfig{level: level, wire: wire}
	cfg.workers = s.workers
	s.chooser = newChooser(cfg)
	if a, ok := s.chooser.(*auto); ok {
		a.appraise = func([]byte) worth { return s.looked.worth }
		a.processors = float64(s.processors)
		if s.processors == 0 {
			a.processors = a.workers
		}
	}
	took := s.run(chunks)
	return took, s
}

// alone gives the time that each level takes for all chunks, of those that any zstd reads.
func alone(chunks []simChunk, line simulation) iter.Seq2[Level, time.Duration] {
	return func(yield func(Level, time.Duration) bool) {
		for l := range LevelAuto {
			if l == LevelFast {
				continue
			}
			if took, _ := simulate(chunks, l, zst.WireZstd, line); !yield(l, took) {
				return
			}
		}
	}
}

// lines gives simulations of all kinds: slow and fast sources, links and
// machines, little and much buffer behind.
func lines(yield func(string, simulation) bool) {
	for _, workers := range []int{1, 2, 8} {
		for _, machine := range []float64{0.4, 1.5} {
			for _, source := range []float64{100e6, 500e6, 5e9} {
				for _, buffer := range []int{0, 512 << 10, 4 << 20} {
					for _, rate := range []float64{12.5e6, 125e6, 312e6, 1250e6, 5e9, 1e12} {
						name := fmt.Sprintf("%d workers, %.1f as slow, source %.0f MB/s, link %.0f MB/s with %d KiB",
							workers, machine, source/1e6, rate/1e6, buffer>>10)
						s := simulation{workers: workers, machine: machine, source: source, buffer: buffer, link: steady(rate)}
						if !yield(name, s) {
							return
						}
					}
				}
			}
		}
	}
}

func steady(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}
