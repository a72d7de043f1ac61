package main

import (
	"context"
	"io"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// progressFlags let somebody look on while a command works: a person by a line on
// the terminal, a program by lines of JSON. Looking on never fails, and never waits
// for whoever looks: what cannot be written at once is dropped.
type progressFlags struct{ to descriptor }

func (f *progressFlags) addTo(fs *pflag.FlagSet) {
	fs.Var(&f.to, "progress-fd", "report progress as lines of JSON to descriptor `N`, 2 or more, instead of a line on the terminal")
}

// watch shows how a job gets on, until stop is called, which waits for no more than
// a second. Without --progress-fd that is a line on the terminal, if standard error is
// one; quiet does without it. stop wants what became of the job.
func (f *progressFlags) watch(command string, quiet bool, j *job) (stop func(err error)) {
	v := f.viewer(command, quiet)
	if v == nil {
		return func(error) {}
	}
	end := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(v.pace())
		defer tick.Stop()
		seen := lately{packs: packs(command)}
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				if now, known := j.now(); known {
					v.show(seen.report(now))
				}
			}
		}
	})
	return func(err error) {
		close(end)
		running.Wait()
		now, _ := j.now()
		v.end(now.stats, err)
	}
}

// A viewer shows reports to somebody. One goroutine calls it at a time.
type viewer interface {
	pace() time.Duration // between two reports
	show(report)
	end(pipe.Stats, error)
}

// viewer gives the one that the flags ask for, nil if nobody looks.
func (f *progressFlags) viewer(command string, quiet bool) viewer {
	switch {
	case f.to.n != 0:
		return &lines{to: newLossy(f.to.n), command: command}
	case quiet || os.Getenv("TERM") == "dumb" || !screen.open():
		return nil
	}
	return &onScreen{command: command}
}

// A job is what can be watched, and stopped. It may be watched before there is anything to
// follow.
type job struct {
	latest atomic.Pointer[followed]
	over   atomic.Bool     // all has come and gone
	own    atomic.Bool     // it ends by itself however long that takes, and says why
	ctx    context.Context // ends, with the reason, when the job is to
	stop   context.CancelCauseFunc
}

func newJob() *job {
	j := &job{}
	j.ctx, j.stop = context.WithCancelCause(context.Background())
	return j
}

type followed struct {
	stats         func() pipe.Stats
	plain, packed int64
}

// follow says whose statistics are the job's from now on, and, where that is known, how
// many bytes the payload and the compressed stream are going to be; 0 where it is not.
func (j *job) follow(stats func() pipe.Stats, plain, packed int64) {
	j.latest.Store(&followed{stats, plain, packed})
}

// now gives how far the job has come, if anything is followed yet.
func (j *job) now() (s state, known bool) {
	f := j.latest.Load()
	if f == nil {
		return s, false
	}
	return state{f.stats(), f.plain, f.packed}, true
}

// moved gives how many bytes have come and gone.
func (j *job) moved() int64 {
	now, _ := j.now()
	return now.stats.BytesIn + now.stats.BytesOut
}

// restOf gives how many bytes of a regular file have not been read, 0 for anything
// else.
func restOf(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return max(0, info.Size()-at)
}

// state is how far a job has come, and what it is going to be in all, 0 where that
// is not known.
type state struct {
	stats         pipe.Stats
	plain, packed int64
}

// report is what is shown of a state; what is not known is left out. docs/programs.md
// documents the fields.
type report struct {
	Seconds  float64  `json:"seconds"`
	BytesIn  int64    `json:"bytes_in"`
	BytesOut int64    `json:"bytes_out"`
	Rate     int64    `json:"rate"`                  // bytes of the payload a second, lately
	Ratio    float64  `json:"ratio"`                 // of the payload to the compressed stream
	Level    string   `json:"level,omitempty"`       // that made most frames lately
	Total    int64    `json:"total,omitempty"`       // bytes of the payload; may be an estimate
	Fraction *float64 `json:"fraction,omitempty"`    // done, 0 to 1
	ETA      *float64 `json:"eta_seconds,omitempty"` // until all is done
	about    bool     // Total is an estimate
	plain    int64    // BytesIn or BytesOut, whichever counts the payload
}

// lately remembers what it needs to tell what happens lately.
type lately struct {
	packs  bool // the payload comes in and the compressed stream goes out
	last   pipe.Stats
	level  string
	plain  float64 // bytes a second
	packed float64
}

const (
	// lastSeconds is about how many seconds count as lately.
	lastSeconds = 3
	// mostETA is the longest time that is worth a word, in seconds.
	mostETA = 100 * 60 * 60
)

// report gives the report of a state, which came after all those before it.
func (l *lately) report(now state) report {
	s := now.stats
	l.learn(s)
	plain, packed := sides(l.packs, s)
	r := report{
		Seconds: rounded(s.Seconds), BytesIn: s.BytesIn, BytesOut: s.BytesOut,
		Rate: int64(l.plain), Ratio: rounded(ratio(plain, packed)), Level: l.level, plain: plain,
	}
	// A guest that runs while it is saved sends pages again, and no stream is just its
	// memory: beyond that nothing is known.
	if r.Total = now.plain; r.Total == 0 && s.GuestMemory > 0 && plain <= s.GuestMemory {
		r.Total, r.about = s.GuestMemory, true
	}
	switch {
	case now.packed > 0:
		r.expect(packed, now.packed, l.packed)
	case r.Total > 0:
		r.expect(plain, r.Total, l.plain)
	}
	return r
}

// learn follows rates and level.
func (l *lately) learn(s pipe.Stats) {
	took := s.Seconds - l.last.Seconds
	if took <= 0 {
		return
	}
	weight := 1 - math.Exp(-took/lastSeconds)
	if l.last.Seconds == 0 {
		weight = 1
	}
	plain, packed := sides(l.packs, s)
	hadPlain, hadPacked := sides(l.packs, l.last)
	l.plain += weight * (float64(plain-hadPlain)/took - l.plain)
	l.packed += weight * (float64(packed-hadPacked)/took - l.packed)
	most := int64(0)
	for level, n := range s.Levels {
		if n -= l.last.Levels[level]; n > most {
			most, l.level = n, pipe.Level(level).String()
		}
	}
	l.last = s
}

// expect says what is still to come, given what was done of what. More than all of it
// says that it was wrong.
func (r *report) expect(done, total int64, rate float64) {
	if done > total {
		return
	}
	fraction := rounded(float64(done) / float64(total))
	r.Fraction = &fraction
	if eta := float64(total-done) / rate; eta < mostETA {
		eta = rounded(eta)
		r.ETA = &eta
	}
}

// sides gives the bytes of the payload and those of the compressed stream.
func sides(packs bool, s pipe.Stats) (plain, packed int64) {
	if packs {
		return s.BytesIn, s.BytesOut
	}
	return s.BytesOut, s.BytesIn
}

// rounded keeps three digits behind the point, which is more than anybody needs.
func rounded(f float64) float64 { return math.Round(f*1000) / 1000 }
