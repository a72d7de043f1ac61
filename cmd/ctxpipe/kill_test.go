//go:build unix

package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/pipe"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// However restore dies, and whenever: the command that it runs never gets a byte
// of libxc's END, without which no guest starts.
func TestKilledRestoreStartsNothing(t *testing.T) {
	stream := vectest.RealStream(t)
	end := endOf(t, stream)
	var sealed bytes.Buffer
	c, err := pipe.NewCompressor(&sealed, pipe.WithChunk(pipe.MinChunk), pipe.WithLevel(pipe.LevelElide))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(stream); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	whole, most := 0, 0
	const rounds = 40
	for i := range rounds {
		// In every other round the stream's last bytes never come, so that restore is
		// killed before it can be done; in the others the two race.
		fed := sealed.Bytes()
		if i%2 == 0 {
			fed = fed[:len(fed)-1]
		}
		got := killed(t, fed, rng.IntN(end-4*pipe.MinChunk))
		switch {
		case bytes.Equal(got, stream) && i%2 == 1:
			whole++ // all was verified before
			continue
		case len(got) > end || !bytes.Equal(got, stream[:len(got)]):
			t.Fatalf("%d bytes came out, END is at %d", len(got), end)
		}
		most = max(most, len(got))
	}
	t.Logf("%d rounds, %d were over before; at most %d bytes came out, END is at %d", rounds, whole, most, end)
	if most == 0 {
		t.Error("nothing ever came out: nothing was tested")
	}
}

// killed restores a stream through a command that repeats what it gets, and kills
// restore once so many bytes came out. It gives what the command got.
func killed(t *testing.T, sealed []byte, after int) []byte {
	cmd := exec.Command("ctxpipe", "restore", "-q", "--", "cat")
	feed, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fed := make(chan struct{})
	dead := make(chan struct{})
	go func() {
		defer close(fed)
		_, _ = feed.Write(sealed) // fails when restore dies
		<-dead                    // the end of input stays away until then
		feed.Close()
	}()
	got, err := io.ReadAll(io.LimitReader(out, int64(after)))
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	close(dead)
	rest, err := io.ReadAll(out) // up to the end of the command, which outlives restore
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	<-fed
	return append(got, rest...)
}

// endOf gives where libxc's END begins.
func endOf(t *testing.T, stream []byte) (end int) {
	w, err := xen.New(xen.WithVisitor(xen.Visitor{Point: func(p xen.Point, off int64) {
		if p == xen.LibxcEnd {
			end = int(off)
		}
	}}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(stream); err != nil || w.Close() != nil || end == 0 {
		t.Fatalf("END at %d, %v", end, err)
	}
	return end
}
