package pipe

import (
	"math"
	"time"
)

// takingRate measures how fast a destination takes frames, over the last of
// them.
//
// How long writes take says it only where there is no buffer behind: sockets and
// ssh take megabytes at once, and look endlessly fast while they do. What was
// written in all the time says it only while there was always something to
// write. The truth is between the two, nearer to the latter, and that is what is
// given. To a destination that looks slower than it is more can be given, and
// then it looks faster.
//
// What it takes until it is full for the first time says how much it holds rather than
// how fast it is, and how long the frame that finds it full has to wait may say when it began
// to take any: ssh has to log in first. Neither counts. And what it does with its first bytes
// counts only until there are others.
type takingRate struct {
	before, now stint
	latest      stint // part of now
	filled      bool  // once
	begun       bool  // has taken beginning
	taken       float64
}

// stint is what happened to some of the bytes, one after the other.
type stint struct {
	bytes float64
	busy  float64 // seconds that the destination is known to have been busy
	all   float64
}

// beginning is more than what ssh takes before a command of the far side has to read it: 2 MiB, and what
// the pipe to it holds. Until that command has begun it takes no more.
const beginning = 4 << 20

// A stint of stintBytes is more than what is usually behind: the buffers of a connection and
// of ssh. The first are shorter, firstStint and then twice as long each time, so that what else
// holds up a destination at its start is soon forgotten.
const (
	firstStint = 2 << 20
	stintBytes = 16 << 20
)

// A destination that takes latestBytes muchFaster times as fast as it did on the average has become faster, and
// what was before tells nothing of it.
const (
	latestBytes = 4 << 20
	muchFaster  = 4
)

// leastTaken is the least frame that tells a rate: one of a few bytes, as zeros make it, says
// nothing, and there is nothing to send in the time it takes to find that out.
const leastTaken = 64 << 10

// leastKnown is what tells a rate of a destination that was never full.
const leastKnown = 3 << 20

const (
	// A write that takes longer than waitFrom, and as long again as bytes take at
	// waitRate, had to wait until there was room.
	waitFrom = time.Millisecond
	waitRate = 500e6
)

// add adds a frame: how long its write took, how long before that the destination was
// busy with what it had, and how long ago it had the last one.
func (r *takingRate) add(size int, write, before, since time.Duration) {
	if size < leastTaken {
		return
	}
	if !r.begun && r.taken >= beginning {
		r.begun = true
		if r.filled {
			r.forget()
		}
	}
	r.taken += float64(size)
	if !r.filled && write > waitFrom && write.Seconds() > float64(size)/waitRate {
		r.filled = true
		r.forget()
		return
	}
	busy := max(write+before, time.Microsecond) // so that no rate is endless
	all := max(busy, since)
	r.now.add(size, busy, all)
	if r.latest.add(size, busy, all); r.latest.bytes >= latestBytes {
		if r.latest.bytes > muchFaster*r.rate()*r.latest.all {
			r.before, r.now = stint{}, r.latest
		}
		r.latest = stint{}
	}
	if r.now.bytes >= clamp(2*r.before.bytes, firstStint, stintBytes) {
		r.before, r.now = r.now, stint{}
	}
}

func (r *takingRate) forget() { r.before, r.now, r.latest = stint{}, stint{}, stint{} }

func (s *stint) add(size int, busy, all time.Duration) {
	s.bytes += float64(size)
	s.busy += busy.Seconds()
	s.all += all.Seconds()
}

// known says whether there is a rate. What a destination takes while its buffers may still be
// filling tells none.
func (r *takingRate) known() bool {
	bytes := r.before.bytes + r.now.bytes
	return bytes >= leastKnown || r.filled && bytes > 0
}

// rate gives bytes a second.
func (r *takingRate) rate() float64 {
	bytes := r.before.bytes + r.now.bytes
	busy, all := r.before.busy+r.now.busy, r.before.all+r.now.all
	return bytes / math.Cbrt(busy*all*all)
}
