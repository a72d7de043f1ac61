package pipe

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// auto is the chooser of LevelAuto. Two rules give the level of a chunk.
//
// A worker's second has a price, in bytes that it has to save, and the level is
// best that saves most after paying for its time. So the workers' time goes to
// the chunks that give most for it, and the price alone says how much is spent. A
// stream takes as long as its slower side, workers or destination, so the price
// moves to where the last chunks would take both the same time.
//
// And a frame that comes late, when the destination has already taken all that
// was before it, costs what could have been sent meanwhile. What a price can
// settle on the average does not help a destination that waits now.
//
// What both sides can do is measured with each frame, so nothing is ever stuck.
// It looks at no clock but the jobs' timing.
type auto struct {
	ladder     []Level // cheapest first
	workers    float64
	processors float64
	appraise   func([]byte) worth

	mu     sync.Mutex
	price  float64        // bytes that a second of a worker has to save
	recent [horizon]worth // the last chunks
	seen   int            // how many chunks there were
	pace   float64        // what levels take of a processor, in terms of their prospects
	wall   float64        // seconds that the last frames took, and
	spent  float64        // what they took of a processor
	yield  float64        // what LevelFastest saves, in terms of worth.packable
	flight []*job         // those that have a level and have not left, in order
	taken  takingRate
	gap    float64       // seconds that the source leaves between frames
	last   time.Duration // when the last frame left
	queued float64       // bytes that waited in the destination's queue then
}

const (
	// horizon is how many chunks the price is made for.
	horizon = 128
	// fairPrice is the price as long as nothing is known, of a second on a machine that takes as long as is
	// foreseen: at it most chunks are worth LevelFastest.
	fairPrice = 40e6
	// The price stays where it still changes something. Below leastPrice all
	// chunks get the highest level, above mostPrice none gets more than the
	// lowest.
	leastPrice = fairPrice / 1e2
	mostPrice  = fairPrice * 200
	// Workers take longer than the processor time that they get. Up to crowdedFrom times as
	// long that is because all wake up at once, and from fewAt times on it is because processors are too few:
	// for every one that works there is another that wants to.
	crowdedFrom, fewAt = 1.7, 2
	// With each chunk the price goes a part of the way to where it should be, as a power of what is missing, since
	// that comes and goes by half within a dozen chunks; and it changes by no more than mostStep times.
	wayEach  = 0.15
	mostStep = 1.5
	// firstSpent is the processor time in seconds of a frame that is imagined before the
	// first, and that had a processor for itself.
	firstSpent = 1e-3

	// firstYield is yield as long as nothing is known, and mostPacked the most of
	// a chunk's other bytes than zeros that LevelFastest is believed to save.
	firstYield = 1.25
	mostPacked = 0.92
	// learning is the weight of the newest frame in what is learned, and leastLesson the
	// least content that teaches how long levels take: a short one takes longer than
	// its share. So does a short job, which teaches less of it the shorter it is than
	// fullLesson, in seconds.
	learning    = 1.0 / 8
	leastLesson = 64 << 10
	fullLesson  = 4e-3
)

// prospect is what a level does, measured on the memory of guests: how long it
// takes, and what it saves of a chunk in terms of what LevelFastest saves. A
// machine of another speed, or contents of another kind, change all levels
// about alike; that is learned.
type prospect struct {
	all    time.Duration // for a mebibyte of any content
	packed time.Duration // for a mebibyte that is not zero, in addition
	saves  float64
}

// prospects has the levels' prospects. What matters is how they compare.
var prospects = [madeLevels]prospect{
	LevelElide:   {100 * time.Microsecond, 50 * time.Microsecond, 0},
	LevelFast:    {65 * time.Microsecond, 1200 * time.Microsecond, 0.85},
	LevelFastest: {135 * time.Microsecond, 2010 * time.Microsecond, 1},
	LevelDefault: {140 * time.Microsecond, 3310 * time.Microsecond, 1.038},
	LevelBetter:  {150 * time.Microsecond, 4300 * time.Microsecond, 1.047},
	LevelBest:    {300 * time.Microsecond, 26000 * time.Microsecond, 1.09},
}

// foreseen gives the seconds that a level takes by its prospects.
func (l Level) foreseen(w worth) float64 {
	p := &prospects[l]
	return (p.all.Seconds()*float64(w.size) + p.packed.Seconds()*float64(w.size-w.zero)) / (1 << 20)
}

// forecast is what auto expects of a job, and later knows.
type forecast struct {
	worth worth
	done  float64 // seconds, when it is encoded
	size  float64 // of its frame
}

func newAuto(cfg compressConfig) *auto {
	a := &auto{
		workers: float64(cfg.workers), processors: float64(runtime.GOMAXPROCS(0)), appraise: appraise,
		price: fairPrice, pace: 1, wall: firstSpent, spent: firstSpent, yield: firstYield,
	}
	for l := range LevelAuto {
		if l != LevelFast || cfg.wire == zst.WireCtxpipe {
			a.ladder = append(a.ladder, l)
		}
	}
	return a
}

func (a *auto) choose(j *job) Level {
	w, now := a.appraise(j.content), j.timing.began.Seconds()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recent[a.seen%horizon] = w
	a.seen++
	// As long as nothing is known of the destination, a slow machine is no reason to save less: its
	// seconds are worth less.
	price, slack, free := fairPrice/(a.pace*a.crowd()), math.Inf(1), 0.0
	if a.taken.known() {
		a.mend()
		price, slack, free = a.price, a.dry(now)-now, a.free(now)
	}
	l := a.best(w, price, slack, free)
	j.forecast = forecast{w, now + a.takes(l, w), float64(w.size) - a.saved(l, w)}
	a.flight = append(a.flight, j)
	return l
}

// mend moves the price towards where workers and destination would take the same
// time for the last chunks.
//
// Where processors are too few for all who want them, the two do not work beside each
// other but in turn: the share of a processor that a worker has is one that whoever empties the
// destination does not have. Shares are alike, and so the price of a second is what the destination takes
// in one, divided by how many shares it has for that.
func (a *auto) mend() {
	work, bytes := 0.0, 0.0
	for _, w := range a.recent[:min(a.seen, horizon)] {
		l := a.best(w, a.price, math.Inf(1), 0)
		work += a.takes(l, w)
		bytes += float64(w.size) - a.saved(l, w)
	}
	rate := a.taken.rate()
	beside, inTurn := work/a.workers/(bytes/rate), rate/a.others()/a.price
	few := a.few()
	towards := math.Pow(beside, 1-few) * math.Pow(inTurn, few)
	a.price = clamp(a.price*clamp(math.Pow(towards, wayEach), 1/mostStep, mostStep), leastPrice, mostPrice)
}

// dry gives when the destination will have taken all that is on its way, or when
// at the soonest it could have had another frame from this source.
func (a *auto) dry(now float64) float64 {
	rate := a.taken.rate()
	t := a.last.Seconds() + a.queued/rate
	for _, j := range a.flight {
		t = max(t, j.forecast.done) + j.forecast.size/rate
		t = max(t, now)
	}
	return max(t, now+a.gap)
}

// free gives the seconds until there is another chunk for a worker to work on: where all that can be on
// its way is, none comes before the first has left.
func (a *auto) free(now float64) float64 {
	if len(a.flight) < int(a.workers)+spareJobs-1 {
		return 0
	}
	first := a.flight[0].forecast
	left := max(a.last.Seconds(), first.done) + first.size/a.taken.rate()
	return max(0, left-now) * (1 - a.few())
}

// best gives the level that saves most of a chunk after paying for its time, as far as that is not free,
// and for what is not sent if it takes longer than slack.
func (a *auto) best(w worth, price, slack, free float64) Level {
	best, most := a.ladder[0], math.Inf(-1)
	for _, l := range a.ladder {
		took := a.takes(l, w)
		net := a.saved(l, w) - price*max(0, took-free)
		if l == LevelBest {
			took *= 1.5 // it is so dear that a wrong forecast would cost most
		}
		if took > slack {
			net -= (took - slack) * a.taken.rate()
		}
		if net > most {
			best, most = l, net
		}
	}
	return best
}

// takes gives the seconds that a level is expected to take for a chunk.
func (a *auto) takes(l Level, w worth) float64 {
	return a.pace * a.crowd() * l.foreseen(w)
}

// crowd gives how long workers take, in terms of the processor time that they get. Long jobs
// tell more of that: a short one takes what those take who have the processor just then.
func (a *auto) crowd() float64 { return a.wall / a.spent }

// others gives how many want processors beside the workers, at least one: a destination is often a
// chain of several, as ssh, sshd and who reads from that. Where work takes crowd times as long as with a
// processor for itself, crowd want each processor.
func (a *auto) others() float64 { return max(1, a.crowd()*a.processors-a.workers) }

// few tells from 0 to 1 how far processors are too few for all who want them.
func (a *auto) few() float64 { return clamp((a.crowd()-crowdedFrom)/(fewAt-crowdedFrom), 0, 1) }

// saved gives the bytes that a level is expected to save of a chunk.
func (a *auto) saved(l Level, w worth) float64 {
	packed := min(a.yield*float64(w.packable), mostPacked*float64(w.size-w.zero))
	return float64(w.zero) + prospects[l].saves*packed
}

// made learns how fast the machine is and how well the contents pack.
func (a *auto) made(j *job) {
	w, saves := j.forecast.worth, prospects[j.level].saves
	took, spent := (j.timing.done - j.timing.began).Seconds(), j.timing.cpu.Seconds()
	if spent == 0 {
		spent = took // as far as it is known
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	j.forecast.done, j.forecast.size = j.timing.done.Seconds(), float64(j.made.size)
	if w.size < leastLesson {
		return
	}
	// The limits keep one odd frame, as after a pause of the machine, from
	// mattering much.
	a.pace += learning * min(1, spent/fullLesson) * (clamp(spent/j.level.foreseen(w), a.pace/4, a.pace*4) - a.pace)
	a.wall += learning * (clamp(took, spent, 8*spent) - a.wall)
	a.spent += learning * (spent - a.spent)
	if saves > 0 && w.packable > w.size/16 {
		yield := float64(w.size-w.zero-j.made.size) / (saves * float64(w.packable))
		a.yield += learning * (clamp(yield, 0.5, 3) - a.yield)
	}
}

// left learns how fast source and destination are.
func (a *auto) left(j *job) {
	a.mu.Lock()
	defer a.mu.Unlock()
	gap := max(0, j.timing.sent-a.last).Seconds()
	a.gap += learning * (gap - a.gap)
	a.taken.add(j.made.size, j.timing.left-j.timing.write, a.lasted(j.timing.write), j.timing.left-a.last)
	a.last, a.queued = j.timing.left, float64(j.timing.queued)
	if i := slices.Index(a.flight, j); i >= 0 {
		a.flight = slices.Delete(a.flight, i, i+1)
	}
}

// lasted gives for how long, of the time since the last frame left, the destination still had some of it.
func (a *auto) lasted(now time.Duration) time.Duration {
	if !a.taken.known() {
		return 0
	}
	until := time.Duration(a.queued / a.taken.rate() * float64(time.Second))
	return min(max(0, now-a.last), until)
}

func clamp(x, low, high float64) float64 { return min(max(x, low), high) }
