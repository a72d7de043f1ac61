package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// at gives the statistics of a filter after so many seconds.
func at(seconds float64, in, out int64) pipe.Stats {
	return pipe.Stats{Seconds: seconds, BytesIn: in, BytesOut: out}
}

func TestProgressText(t *testing.T) {
	guest := at(10, 1<<30, 1<<28)
	guest.GuestMemory = 4 << 30
	guest.Levels[pipe.LevelFastest], guest.Levels[pipe.LevelElide] = 300, 200
	full, over := guest, guest
	full.BytesIn = 4 << 30
	over.BytesIn = 4<<30 + 1
	back := at(10, 1<<28, 1<<30)
	back.GuestMemory = 4 << 30
	for _, c := range []struct {
		command string
		s       state
		want    string
	}{
		{"compress", state{stats: guest},
			"compress: 1.0 GiB of about 4.0 GiB, 25 %, 102.4 MiB/s, ratio 4.00, level fastest, ETA 0:30"},
		{"compress", state{stats: guest, plain: 2 << 30}, // a file's size wins
			"compress: 1.0 GiB of 2.0 GiB, 50 %, 102.4 MiB/s, ratio 4.00, level fastest, ETA 0:10"},
		{"compress", state{stats: full},
			"compress: 4.0 GiB of about 4.0 GiB, 100 %, 409.6 MiB/s, ratio 16.00, level fastest, ETA 0:00"},
		{"compress", state{stats: over}, // pages that are sent again
			"compress: 4.0 GiB, 409.6 MiB/s, ratio 16.00, level fastest"},
		{"compress", state{stats: at(10, 2<<20, 1<<20), plain: 1 << 20}, // a file that grew
			"compress: 2.0 MiB of 1.0 MiB, 204.8 KiB/s, ratio 2.00"},
		{"compress", state{stats: at(1, 1<<20, 1<<20)},
			"compress: 1.0 MiB, 1.0 MiB/s, ratio 1.00"},
		{"compress", state{stats: at(10, 1<<10, 1<<10), plain: 1 << 40}, // who knows
			"compress: 1.0 KiB of 1.0 TiB, 0 %, 102 B/s, ratio 1.00"},
		{"restore", state{stats: back, packed: 1 << 29}, // what is left of the file counts
			"restore: 1.0 GiB of about 4.0 GiB, 50 %, 102.4 MiB/s, ratio 4.00, ETA 0:10"},
		{"restore", state{stats: at(0.5, 0, 0), packed: 7},
			"restore: 0 B, 0 %, 0 B/s, ratio 0.00"},
	} {
		l := lately{packs: packs(c.command)}
		if got := progressText(c.command, l.report(c.s)); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

func TestClock(t *testing.T) {
	for s, want := range map[float64]string{0: "0:00", 0.1: "0:01", 59: "0:59", 60: "1:00", 3599: "59:59", 3600: "1:00:00", 359999: "99:59:59"} {
		if got := clock(s); got != want {
			t.Errorf("clock(%v) = %s, want %s", s, got, want)
		}
	}
}

// Rate, level and what they promise follow what happens lately.
func TestProgressFollowsWhatHappensLately(t *testing.T) {
	l := lately{packs: true}
	s := at(0, 0, 0)
	var r report
	run := func(seconds int, rate int64, level pipe.Level) {
		for range seconds * 10 {
			s.Seconds += 0.1
			s.BytesIn += rate / 10
			s.BytesOut += rate / 20
			s.Levels[level]++
			r = l.report(state{stats: s, plain: 1 << 40})
		}
	}
	run(100, 1000, pipe.LevelBetter)
	if r.Rate < 990 || r.Rate > 1010 || r.Level != "better" {
		t.Errorf("%+v", r)
	}
	run(10, 1_000_000, pipe.LevelElide)
	if r.Rate < 900_000 || r.Rate > 1_000_000 || r.Level != "elide" {
		t.Errorf("%+v", r)
	}
	run(60, 0, pipe.LevelElide) // stuck
	if r.Rate > 0 || r.ETA != nil {
		t.Errorf("%+v", r)
	}
	if had := r; l.report(state{stats: s, plain: 1 << 40}).Rate != had.Rate { // no time has passed
		t.Errorf("%+v, then %+v", had, r)
	}
}

// Of what is not known a report says nothing, and whatever an error says, the summary
// is a line that a pipe takes as a whole.
func TestProgressLines(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lines")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	to := newLossy(int(f.Fd()))
	if to == nil {
		t.Skip("nobody can look on, on this system")
	}
	v := &lines{to: to, command: "restore"}
	l := lately{}
	v.show(l.report(state{stats: at(1, 1000, 4000)}))
	v.show(l.report(state{stats: at(2, 2000, 8000), packed: 4000}))
	v.end(at(3, 4000, 16000), badStream(bytes.Repeat([]byte("<\x00é"), 10_000)))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	got := bytes.SplitAfter(b, []byte("\n"))
	if len(got) != 4 {
		t.Fatalf("%q", b)
	}
	for i, want := range []string{
		`{"event":"progress","command":"restore","seconds":1,"bytes_in":1000,"bytes_out":4000,"rate":4000,"ratio":4}` + "\n",
		`{"event":"progress","command":"restore","seconds":2,"bytes_in":2000,"bytes_out":8000,"rate":4000,"ratio":4,"fraction":0.5,"eta_seconds":2}` + "\n",
	} {
		if string(got[i]) != want {
			t.Errorf("got  %s\nwant %s", got[i], want)
		}
	}
	var last struct {
		Event, Error string
		Status       int
		BytesOut     int64 `json:"bytes_out"`
	}
	if err := json.Unmarshal(got[2], &last); err != nil || len(got[2]) > 4096 || last.Event != "summary" || last.Error == "" || last.Status != statusBad || last.BytesOut != 16000 {
		t.Errorf("%d bytes: %v: %s", len(got[2]), err, got[2])
	}
}
