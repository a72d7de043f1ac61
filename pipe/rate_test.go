package pipe

import (
	"math"
	"testing"
	"time"
)

// A destination of 100 MB/s looks like one, whatever is behind it: what fills its buffers in
// no time, frames of no size, and pauses in which it had enough to do.
func TestTakingRate(t *testing.T) {
	const size, rate = 1 << 20, 100e6
	takes := time.Duration(size / rate * 1e9)
	for name, add := range map[string]func(r *takingRate){
		"each waits":       func(r *takingRate) { r.add(size, takes, 0, takes) },
		"half its time":    func(r *takingRate) { r.add(size, takes/2, takes/2, takes) },
		"zeros in between": func(r *takingRate) { r.add(20, time.Microsecond, 0, time.Second); r.add(size, takes, 0, takes) },
	} {
		var r takingRate
		for range 8 {
			r.add(size, 100*time.Microsecond, 0, 3*time.Millisecond)
		}
		if got := r.rate(); got < 3*rate {
			t.Errorf("while it fills: %.0f", got)
		}
		r.add(size, takes, 0, takes)
		for range 4 {
			add(&r)
			if got := r.rate(); !(math.Abs(got/rate-1) < 0.01) {
				t.Errorf("%s: %.0f", name, got)
			}
		}
	}
	var r takingRate
	if r.add(leastTaken-1, time.Second, 0, time.Second); r.known() {
		t.Error("known from a frame of no size")
	}
}

// Where writes take a quarter of the time between them, the rate lies between what both tell, nearer to what
// was written in all the time.
func TestTakingRateLiesBetween(t *testing.T) {
	const size, rate = 1 << 20, 100e6
	takes := time.Duration(size / rate * 1e9)
	var r takingRate
	for range 40 {
		r.add(size, takes/4, 0, takes)
	}
	if got := r.rate(); got < 1.1*rate || got > 1.9*rate { // by as much, it would be twice
		t.Errorf("%.0f", got)
	}
}

// A destination that becomes much faster is seen to be so after a few frames, whatever was before; what its
// buffers take after a pause makes it no faster.
func TestTakingRateFollows(t *testing.T) {
	const size, rate = 1 << 20, 12.5e6
	takes := time.Duration(size / rate * 1e9)
	var r takingRate
	for range 40 {
		r.add(size, takes, 0, takes)
	}
	r.add(size, time.Millisecond, 0, 4*takes) // emptied meanwhile
	for range 3 {
		r.add(size, time.Millisecond, 0, time.Millisecond)
	}
	if got := r.rate(); got > 2*rate {
		t.Errorf("after a pause: %.0f", got)
	}
	for range 8 {
		r.add(size, time.Millisecond, 0, time.Millisecond)
	}
	if got := r.rate(); got < 50*rate {
		t.Errorf("when it is fast: %.0f", got)
	}
}

// How long a destination takes to begin says nothing of its rate: that of ssh takes nothing until it has
// logged in, and 2 MiB before the far side's command has begun. And what else holds it up at first is
// soon forgotten.
func TestTakingRateWhereTheDestinationBeginsLate(t *testing.T) {
	const size, rate = 1 << 20, 200e6
	takes := time.Duration(size / rate * 1e9)
	var r takingRate
	check := func(when string, least float64) {
		t.Helper()
		if got := r.rate(); !(got > least*rate && got < 1.01*rate) {
			t.Errorf("%s: %.0f", when, got)
		}
	}
	add := func(n int, late time.Duration) {
		for range n {
			r.add(size, takes+late, 0, takes+late)
		}
	}
	add(1, 500*time.Millisecond)
	if r.known() {
		t.Errorf("known from the frame that waited for the login: %.0f", r.rate())
	}
	add(2, 0)
	check("logged in", 0.99)
	add(1, 200*time.Millisecond)
	add(1, 0)
	check("the command has begun", 0.99)
	add(1, 200*time.Millisecond)
	check("held up again", 0.04)
	add(10, 0)
	check("ten frames later", 0.99)
}

// What buffers take at first tells no rate: only a frame that follows one that had to wait does, or
// much that did not.
func TestTakingRateIsNotKnownAtFirst(t *testing.T) {
	const size = 1 << 20
	var fast takingRate
	for n := size; n <= 2*leastKnown; n += size {
		fast.add(size, 100*time.Microsecond, 0, time.Millisecond)
		if got, want := fast.known(), n >= leastKnown; got != want {
			t.Errorf("known after %d bytes that did not wait: %v", n, got)
		}
	}
	var slow takingRate
	slow.add(size, 100*time.Microsecond, 0, time.Millisecond)
	for _, want := range []bool{false, true} {
		slow.add(size, 80*time.Millisecond, 0, 80*time.Millisecond)
		if got := slow.known(); got != want {
			t.Errorf("known from frames that waited: %v", got)
		}
	}
}
