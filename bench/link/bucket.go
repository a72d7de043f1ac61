package link

import (
	"io"
	"time"
)

// Bucket lets bytes pass at a rate. It holds tokens for a burst at the most.
type Bucket struct {
	Rate  float64 // bytes a second
	Burst float64 // bytes

	Now   func() time.Time
	Sleep func(time.Duration)

	tokens float64
	last   time.Time // when tokens were counted; zero at the start, when the bucket is full
}

// Take waits until n bytes may pass. More than a burst at once is taken on credit,
// which the next ones pay.
func (b *Bucket) Take(n int) {
	now := b.Now()
	if b.last.IsZero() {
		b.tokens = b.Burst
	} else {
		b.tokens = min(b.Burst, b.tokens+now.Sub(b.last).Seconds()*b.Rate)
	}
	b.last = now
	b.tokens -= float64(n)
	if b.tokens < 0 {
		b.Sleep(time.Duration(-b.tokens / b.Rate * float64(time.Second)))
	}
}

// piece is how much passes at once: what one segment of TCP offload carries.
const piece = 64 << 10

// slowed writes at a bucket's rate.
type slowed struct {
	io.WriteCloser
	bucket *Bucket
}

func (s *slowed) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		part := p[:min(len(p), piece)]
		s.bucket.Take(len(part))
		var done int
		done, err = s.WriteCloser.Write(part)
		n, p = n+done, p[len(part):]
	}
	return n, err
}
