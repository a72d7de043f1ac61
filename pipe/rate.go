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
// write. The truth is between the two, and that is what is given. To a
// destination that looks slower than it is more can be given, and then it looks
// faster.
type takingRate struct{ before, now stint }

// stint is what happened to at least stintBytes, or to fewer until now.
type stint struct {
	bytes   float64
	writing float64 // seconds
	all     float64
}

// stintBytes is more than what is usually behind: the buffers of a connection and
// of ssh.
const stintBytes = 16 << 20

// add adds a frame, how long its write took, and how long the last one is ago.
func (r *takingRate) add(size int, write, since time.Duration) {
	r.now.bytes += float64(size)
	r.now.writing += max(write, time.Microsecond).Seconds() // so that no rate is endless
	r.now.all += max(write, since, time.Microsecond).Seconds()
	if r.now.bytes >= stintBytes {
		r.before, r.now = r.now, stint{}
	}
}

// known says whether there is a rate.
func (r *takingRate) known() bool { return r.before.bytes+r.now.bytes > 0 }

// rate gives bytes a second.
func (r *takingRate) rate() float64 {
	bytes := r.before.bytes + r.now.bytes
	return bytes / math.Sqrt((r.before.writing+r.now.writing)*(r.before.all+r.now.all))
}
