package link

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"
)

// clock is a clock that only sleeping moves.
type clock struct{ now time.Time }

func (c *clock) bucket(rate, burst float64) *Bucket {
	return &Bucket{Rate: rate, Burst: burst, Now: func() time.Time { return c.now }, Sleep: func(d time.Duration) { c.now = c.now.Add(d) }}
}

func newClock() *clock { return &clock{now: time.Unix(1000, 0)} }

func (c *clock) since(start time.Time) float64 { return c.now.Sub(start).Seconds() }

// Whatever the pieces, bytes take their time at the rate, but for the first burst.
func TestBucketKeepsItsRate(t *testing.T) {
	for _, n := range []int{1, 1000, 100_000} {
		c := newClock()
		b := c.bucket(1e6, 50_000)
		start := c.now
		for done := 0; done < 1_000_000; done += n {
			b.Take(n)
		}
		if got := c.since(start); math.Abs(got-0.95) > 0.001 {
			t.Errorf("1 MB in pieces of %d takes %.4f s, want 0.95", n, got)
		}
	}
}

// Who waits saves up no more than a burst.
func TestBucketSavesNoMoreThanABurst(t *testing.T) {
	c := newClock()
	b := c.bucket(1000, 100)
	b.Take(100)
	c.now = c.now.Add(time.Hour)
	start := c.now
	b.Take(100)
	if c.now != start {
		t.Error("a burst had to wait")
	}
	b.Take(500)
	if got := c.since(start); math.Abs(got-0.5) > 1e-6 {
		t.Errorf("500 bytes at 1000 a second took %v s", got)
	}
	// What fell due meanwhile is there, but no more.
	c.now = c.now.Add(50 * time.Millisecond)
	start = c.now
	b.Take(50)
	if c.now != start {
		t.Error("what fell due had to wait")
	}
	b.Take(1)
	if c.now == start {
		t.Error("more passed than fell due")
	}
}

type buffer struct {
	bytes.Buffer
	room   int
	pieces []int
}

var errFull = errors.New("full")

func (b *buffer) Write(p []byte) (int, error) {
	b.pieces = append(b.pieces, len(p))
	if b.Len()+len(p) > b.room {
		return 0, errFull
	}
	return b.Buffer.Write(p)
}

func (b *buffer) Close() error { return nil }

func TestSlowedPassesAll(t *testing.T) {
	c := newClock()
	to := &buffer{room: 1 << 20}
	w := &slowed{to, c.bucket(1<<20, piece)}
	content := bytes.Repeat([]byte("content "), 20_000)
	if n, err := w.Write(content); n != len(content) || err != nil || !bytes.Equal(to.Bytes(), content) {
		t.Errorf("%d bytes, %v", n, err)
	}
	for _, n := range to.pieces {
		if n > piece {
			t.Errorf("%d bytes at once", n)
		}
	}
	to.room = to.Len() + piece
	if n, err := w.Write(content); n != piece || !errors.Is(err, errFull) {
		t.Errorf("%d bytes, %v, want one piece", n, err)
	}
}

// carries moves bytes over a link, both directions of ending included.
func carries(t *testing.T, l *Link) {
	t.Helper()
	for _, rate := range []int64{0, 1e9, 0} {
		if err := l.SetRate(rate); err != nil {
			t.Fatal(err)
		}
		w, r, err := l.Open()
		if err != nil {
			t.Fatal(err)
		}
		content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		sent := make(chan error, 1)
		go func() {
			_, err := w.Write(content)
			sent <- errors.Join(err, w.Close())
		}()
		got, err := io.ReadAll(r)
		if err = errors.Join(err, <-sent, r.Close()); err != nil || !bytes.Equal(got, content) {
			t.Errorf("rate %d: %d bytes of %d, %v", rate, len(got), len(content), err)
		}
	}
}

func TestBestLink(t *testing.T) {
	l := New()
	t.Logf("%s %s", l.Info().Kind, l.Info().Why)
	carries(t, l)
	if i := l.Info(); l.spaces != nil && (len(i.Commands) != 1 || !strings.Contains(i.Commands[0], "tbf rate 1000000000bit")) {
		t.Errorf("commands: %q", i.Commands)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestLinkWithoutRights(t *testing.T) { carries(t, &Link{}) }
