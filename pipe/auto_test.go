package pipe

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
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

// A stream at level auto takes hardly longer than at whatever level is best for
// its line, and never longer than with nothing compressed, but for the first few
// frames, when nothing is known.
func TestAutoAgainstEveryLevel(t *testing.T) {
	if raceEnabled {
		t.Skip("a simulation on one goroutine has no races")
	}
	chunks := simChunks(512)
	sum, n, worst := 0.0, 0, 0.0
	for name, line := range lines {
		best, elided := time.Hour, time.Duration(0)
		for l := range LevelAuto {
			if l == LevelFast {
				continue
			}
			took, _ := simulate(chunks, l, zst.WireZstd, line)
			if best = min(best, took); l == LevelElide {
				elided = took
			}
		}
		took, _ := simulate(chunks, LevelAuto, zst.WireZstd, line)
		ratio := took.Seconds() / best.Seconds()
		if ratio > 1.08 || took.Seconds() > 1.06*elided.Seconds() {
			t.Errorf("%s: %v, %.3f times the best level; %v elided", name, took, ratio, elided)
		}
		sum, n, worst = sum+math.Log(ratio), n+1, max(worst, ratio)
	}
	mean := math.Exp(sum / float64(n))
	t.Logf("%d lines: %.3f times the best level's time on average, %.3f at worst", n, mean, worst)
	if mean > 1.005 {
		t.Errorf("%.3f times the best level's time on average", mean)
	}
}

// Where neither side is much faster than the other, chunks get different levels,
// and that is better than any level for all.
func TestAutoMixes(t *testing.T) {
	chunks := simChunks(512)
	line := simulation{workers: 1, machine: 1.4, source: 2e9, buffer: 256 << 10, link: steady(250e6)}
	took, mixed := simulate(chunks, LevelAuto, zst.WireZstd, line)
	for l := range LevelAuto {
		if l == LevelFast {
			continue
		}
		if alone, _ := simulate(chunks, l, zst.WireZstd, line); took.Seconds() > 0.95*alone.Seconds() {
			t.Errorf("auto %v, %v alone %v", took, l, alone)
		}
	}
	if n := mixed.counts; n[LevelElide] < 100 || n[LevelFastest] < 100 {
		t.Errorf("levels %v", n)
	}
	// The dearer level went to chunks that save more for the time.
	for l, value := range mixed.value {
		mixed.value[l] = value / float64(mixed.counts[l])
	}
	if v := mixed.value; v[LevelFastest] < 2*v[LevelElide] {
		t.Errorf("worth of chunks by level: %.2f", v)
	}
}

// A link that becomes slow gets smaller frames, and when it is fast again it is
// not kept waiting: nothing sticks.
func TestAutoFollowsTheLink(t *testing.T) {
	chunks := simChunks(1024)
	slow := func(at time.Duration) bool { return at > 300*time.Millisecond && at < 4*time.Second }
	line := simulation{workers: 2, machine: 1, source: 2e9, buffer: 256 << 10, link: func(at time.Duration) float64 {
		if slow(at) {
			return 12.5e6
		}
		return 5e9
	}}
	line.slow = slow
	took, s := simulate(chunks, LevelAuto, zst.WireZstd, line)
	for l := range LevelAuto {
		if l == LevelFast {
			continue
		}
		if alone, _ := simulate(chunks, l, zst.WireZstd, line); took > alone {
			t.Errorf("auto %v, %v alone %v", took, l, alone)
		}
	}
	elided, slowly := s.counts[LevelElide]-s.whenSlow[LevelElide], s.whenSlow
	fast := int64(len(chunks)) - slowly.all()
	t.Logf("%v; while slow %v, else %d of %d elided", took, slowly, elided, fast)
	if slowly[LevelElide] > slowly.all()/4 || elided < fast*9/10 {
		t.Errorf("while slow %v, in all %v", slowly, s.counts)
	}
}

func (c LevelCounts) all() (n int64) {
	for _, k := range c {
		n += k
	}
	return n
}

// A destination by ssh takes nothing until it has logged in, then as much as the far side holds
// until a command begins there. That it is slow is not what follows.
func TestAutoWhereTheDestinationBeginsLate(t *testing.T) {
	chunks := simChunks(512)
	for _, rate := range []float64{125e6, 250e6, 500e6, 1000e6} {
		line := simulation{workers: 2, machine: 1.8, source: 5e9, link: steady(rate), buffer: 1 << 20,
			pauses: []simPause{{0, 350 * time.Millisecond}, {2 << 20, 550 * time.Millisecond}}}
		best := time.Hour
		for l := range LevelAuto {
			if l != LevelFast {
				took, _ := simulate(chunks, l, zst.WireZstd, line)
				best = min(best, took)
			}
		}
		took, s := simulate(chunks, LevelAuto, zst.WireZstd, line)
		if took.Seconds() > 1.06*best.Seconds() {
			t.Errorf("%.0f MB/s: %v, %v at the best level: %v", rate/1e6, took, best, s.counts)
		}
	}
}

// Where workers have to wait for processors, so does whoever empties the
// destination: then less is compressed.
func TestAutoWhereProcessorsAreFew(t *testing.T) {
	chunks := simChunks(256)
	line := simulation{workers: 2, machine: 1, source: 5e9, link: steady(400e6)}
	_, alone := simulate(chunks, LevelAuto, zst.WireZstd, line)
	line.cpu = 0.5
	_, crowded := simulate(chunks, LevelAuto, zst.WireZstd, line)
	if crowded.counts[LevelElide] < alone.counts[LevelElide]*5/4 {
		t.Errorf("alone %v, crowded %v", alone.counts, crowded.counts)
	}
}

// Where workers and destination take turns with a processor, a stream takes as long as both
// together, and hardly longer than at whatever level is best then.
func TestAutoInTurn(t *testing.T) {
	chunks := simChunks(512)
	for _, processors := range []int{1, 2} {
		for _, rate := range []float64{15e6, 60e6, 125e6, 250e6, 500e6} {
			line := simulation{workers: 2, processors: processors, machine: 1.8, source: 5e9, link: steady(rate), cpu: 0.5}
			inTurn := func(l Level) float64 {
				_, s := simulate(chunks, l, zst.WireZstd, line)
				return s.worked.Seconds()/float64(processors) + float64(s.sent)/rate
			}
			best := math.Inf(1)
			for _, l := range []Level{LevelElide, LevelFastest, LevelDefault, LevelBetter, LevelBest} {
				best = min(best, inTurn(l))
			}
			if took := inTurn(LevelAuto); took > 1.03*best {
				t.Errorf("%d processors, %.0f MB/s: %.3f s, %.3f times the best level", processors, rate/1e6, took, took/best)
			}
		}
	}
}

// But where the link is so slow that bytes cost more time than it takes to save them, whoever
// that time is taken from, they are saved.
func TestAutoWhereProcessorsAreFewAndTheLinkIsSlow(t *testing.T) {
	chunks := simChunks(256)
	line := simulation{workers: 1, machine: 20, source: 5e9, link: steady(5e6), cpu: 0.4}
	_, s := simulate(chunks, LevelAuto, zst.WireZstd, line)
	if s.counts[LevelElide] > 96 { // a third of the chunks is zero, or packed already
		t.Errorf("%v", s.counts)
	}
}

// LevelFast is used where only ctxpipe reads, and nowhere else.
func TestAutoKeepsToTheWire(t *testing.T) {
	chunks := simChunks(256)
	line := simulation{workers: 2, machine: 1, source: 5e9, link: steady(600e6)}
	plain, zstd := simulate(chunks, LevelAuto, zst.WireZstd, line)
	fast, own := simulate(chunks, LevelAuto, zst.WireCtxpipe, line)
	if zstd.counts[LevelFast] > 0 || own.counts[LevelFast] < 64 || fast > plain {
		t.Errorf("zstd %v %v, ctxpipe %v %v", plain, zstd.counts, fast, own.counts)
	}
}

// The same jobs at the same times get the same levels.
func TestAutoIsDeterministic(t *testing.T) {
	chunks := simChunks(256)
	line := simulation{workers: 4, machine: 1, source: 1e9, link: steady(300e6)}
	one, a := simulate(chunks, LevelAuto, zst.WireZstd, line)
	two, b := simulate(chunks, LevelAuto, zst.WireZstd, line)
	if one != two || a.counts != b.counts {
		t.Errorf("%v %v, then %v %v", one, a.counts, two, b.counts)
	}
}

// Jobs of half a millisecond, which have to wait for memory rather than for the processor, do not
// tell how long others take; many of them do tell that the machine has become slow.
func TestAutoLearnsLittleFromShortJobs(t *testing.T) {
	a := newAuto(compressConfig{level: LevelAuto})
	w := worth{size: DefaultChunk, packable: DefaultChunk / 2}
	made := func(l Level, slow float64) {
		spent := time.Duration(slow * l.foreseen(w) * 1e9)
		j := &job{level: l, forecast: forecast{worth: w}, timing: timing{done: spent, cpu: spent}}
		j.made.size = DefaultChunk
		a.made(j)
	}
	for range 20 {
		made(LevelFastest, 1)
	}
	for range 6 {
		made(LevelElide, 3)
	}
	if a.pace > 1.4 {
		t.Errorf("pace %.2f after six short jobs", a.pace)
	}
	for range 300 {
		made(LevelElide, 3)
	}
	if a.pace < 2.9 {
		t.Errorf("pace %.2f after many", a.pace)
	}
}

// coded gives random bytes of sixteen values: nothing repeats, and half of each is known.
func coded(random []byte) []byte {
	for i := range random {
		random[i] = random[i]&15 + 'a'
	}
	return random
}

// A worker that has nothing else to do packs what it has, whatever the price. One for whom
// there is more does not, nor one whose frame would be late.
func TestAutoSpendsFreeTime(t *testing.T) {
	for _, c := range []struct {
		name   string
		flight int
		leaves time.Duration
		price  float64
		packs  bool
	}{
		{"nothing else to do", 3, 50 * time.Millisecond, mostPrice, true},
		{"more to do", 2, 50 * time.Millisecond, mostPrice, false},
		{"late", 3, 0, mostPrice, false},
		{"cheap", 2, 50 * time.Millisecond, leastPrice, true},
	} {
		cfg := compressConfig{level: LevelAuto}
		cfg.workers = 2
		a := newAuto(cfg)
		a.appraise = func([]byte) worth { return worth{size: DefaultChunk, packable: DefaultChunk / 2} }
		for range 2 {
			a.taken.add(1<<20, 10*time.Millisecond, 0, 10*time.Millisecond)
		}
		for range c.flight {
			a.flight = append(a.flight, &job{forecast: forecast{done: c.leaves.Seconds(), size: 1}})
		}
		a.price = c.price
		if l := a.choose(&job{}); (l > LevelFast) != c.packs {
			t.Errorf("%s: level %v", c.name, l)
		}
	}
}

// What there is to save is seen from a few pages, whatever their offset.
func TestAppraise(t *testing.T) {
	const n = 1 << 20
	for _, shift := range []int{0, 24, 2048} {
		for name, c := range map[string]struct {
			content        []byte
			zero, packable float64 // parts of the content
		}{
			"zeros":  {make([]byte, n), 1, 0},
			"random": {payloads(n)["random"], 0, 0},
			"words":  {payloads(n)["words"], 0, 0.5},
			"coded":  {coded(payloads(n)["random"]), 0, 0.5},
			"half":   {append(make([]byte, n/2), payloads(n / 2)["random"]...), 0.5, 0},
		} {
			w := appraise(c.content[shift:])
			zero, packable := float64(w.zero)/float64(w.size), float64(w.packable)/float64(w.size)
			if math.Abs(zero-c.zero) > 0.05 || math.Abs(packable-c.packable) > 0.25 || w.size != len(c.content)-shift {
				t.Errorf("%s from %d: zero %.2f, packable %.2f", name, shift, zero, packable)
			}
		}
	}
	if w := appraise([]byte("x")); w != (worth{size: 1}) {
		t.Errorf("a byte: %+v", w)
	}
}
