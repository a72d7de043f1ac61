package pipe

import (
	"bytes"
	"io"
	"math"
	"runtime"
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// Both filters tell the guest's memory as soon as its configuration has passed, while
// another goroutine asks; a filter that looks at nothing cannot.
func TestStatsTellTheGuestsMemory(t *testing.T) {
	sizes := map[string]int64{"pv-thin.xlsave": 256 << 20, "pvh-thin.xlsave": 256 << 20, "hvm-thin.xlsave": 64 << 20, "live-pvh-thin.stream": 256 << 20}
	for _, s := range vectest.Streams(t) {
		checks := map[Check]int64{CheckAuto: sizes[s.Name]}
		if s.Name == "hvm-thin.xlsave" { // the shortest
			checks[CheckStrict], checks[CheckOff] = sizes[s.Name], 0
		}
		for check, want := range checks {
			var sealed bytes.Buffer
			c := newTestCompressor(t, &sealed, WithLevel(LevelElide), WithCheck(check))
			if got := c.Stats().GuestMemory; got != 0 {
				t.Errorf("%s: %d before anything was written", s.Name, got)
			}
			done := asked(c.Stats)
			writeSteps(t, c, s.Bytes[:100_000], 999)
			if got := c.Stats().GuestMemory; got != want {
				t.Errorf("%s, check %v: Compressor says %d, want %d", s.Name, check, got, want)
			}
			writeSteps(t, c, s.Bytes[100_000:], 4099)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			done()
			r := newTestRestorer(t, &sealed, WithCheck(check))
			done = asked(r.Stats)
			if _, err := io.Copy(io.Discard, r); err != nil {
				t.Fatal(err)
			}
			done()
			if got := r.Stats().GuestMemory; got != want {
				t.Errorf("%s, check %v: Restorer says %d, want %d", s.Name, check, got, want)
			}
			c.Reset(io.Discard)
			if got := c.Stats().GuestMemory; got != 0 {
				t.Errorf("%s: %d after Reset", s.Name, got)
			}
			c.Abort()
		}
	}
}

// asked asks for statistics in a goroutine of its own, until it is told to be done.
func asked(stats func() Stats) (done func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			default:
				stats()
				runtime.Gosched()
			}
		}
	}()
	return func() { close(end); <-ended }
}

// What a configuration says may be anything.
func TestMemoryOfDomains(t *testing.T) {
	for d, want := range map[xen.Domain]int64{
		{}:                                    0,
		{MaxMemKB: 1024}:                      1 << 20,
		{TargetMemKB: 1024}:                   1 << 20,
		{MaxMemKB: 4096, TargetMemKB: 1024}:   1 << 20, // ballooned down
		{MaxMemKB: 1024, TargetMemKB: 4096}:   1 << 20,
		{MaxMemKB: math.MaxInt64 >> 10}:       math.MaxInt64 >> 10 << 10,
		{MaxMemKB: math.MaxInt64>>10 + 1}:     0,
		{MaxMemKB: math.MaxUint64}:            0,
		{MaxMemKB: 1, TargetMemKB: 1<<64 - 1}: 1024,
	} {
		if got := memoryOf(d); got != want {
			t.Errorf("%+v: %d, want %d", d, got, want)
		}
	}
}
