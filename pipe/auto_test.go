package pipe

import (
	"math"
	"testing"
	"time"

	"github.com/ctxpipe/ctxpipe/frame/zst"
)

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
		for l, took := range alone(chunks, line) {
			if best = min(best, took); l == LevelElide {
				elided = took
			}
		}
		took, _ := simulate(chunks, LevelAuto, zst.WireZstd, line)
		ratio := took.Seconds() / best.Seconds()
		if ratio > 1.055 || took.Seconds() > 1.06*elided.Seconds() {
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
	for l, other := range alone(chunks, line) {
		if took.Seconds() > 0.95*other.Seconds() {
			t.Errorf("auto %v, %v alone %v", took, l, other)
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
// not kept waiting for more than the frames that were begun before: nothing sticks.
func TestAutoFollowsTheLink(t *testing.T) {
	chunks := simChunks(1024)
	var sums [LevelAuto + 1]time.Duration // of all moments, since it matters what is under way then
	for fast := 3 * time.Second; fast < 5*time.Second; fast += 100 * time.Millisecond {
		slow := func(at time.Duration) bool { return at > 300*time.Millisecond && at < fast }
		line := simulation{workers: 2, machine: 1, source: 2e9, buffer: 256 << 10, link: func(at time.Duration) float64 {
			if slow(at) {
				return 12.5e6
			}
			return 5e9
		}}
		line.slow = slow
		for l, took := range alone(chunks, line) {
			sums[l] += took
		}
		took, s := simulate(chunks, LevelAuto, zst.WireZstd, line)
		sums[LevelAuto] += took
		elided, slowly := s.counts[LevelElide]-s.whenSlow[LevelElide], s.whenSlow
		quickly := int64(len(chunks)) - slowly.all()
		if slowly[LevelElide] > slowly.all()/4 || elided < quickly*9/10 {
			t.Errorf("slow until %v: while it is %v, in all %v", fast, slowly, s.counts)
		}
	}
	for l, sum := range sums[:LevelAuto] {
		if sum > 0 && sums[LevelAuto].Seconds() > 1.02*sum.Seconds() {
			t.Errorf("auto %v, %v alone %v", sums[LevelAuto], Level(l), sum)
		}
	}
	t.Logf("%v", sums)
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
		for _, took := range alone(chunks, line) {
			best = min(best, took)
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

// The first chunks are worth LevelFastest on any machine: nothing is known of the destination yet, and it costs
// a slow one most to be sent what could have been saved.
func TestAutoBeginsAlikeOnSlowMachines(t *testing.T) {
	a := newAuto(compressConfig{level: LevelAuto})
	a.pace, a.wall = 4, 3*a.spent
	a.appraise = func([]byte) worth { return worth{size: DefaultChunk, packable: DefaultChunk / 4} }
	if l := a.choose(&job{}); l != LevelFastest {
		t.Errorf("level %v", l)
	}
}
