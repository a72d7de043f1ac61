package gen

import (
	"bufio"
	"io"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/internal/guestmem"
)

// The limits of a Guest.
const (
	MinMemory = 1 << 20
	MaxMemory = 1 << 40
	MaxPasses = 100
)

// Guest is a guest to be made up. The zero value of a field is no default.
type Guest struct {
	Memory int64 // in bytes, MinMemory to MaxMemory, whole pages
	Mix    guestmem.Mix
	Seed   uint64
	Passes int // over the memory, 1 to MaxPasses; one is what xl save makes
}

// Check says what is wrong with the description of a guest, nil if nothing is.
func (g Guest) Check() error {
	switch {
	case g.Memory < MinMemory || g.Memory > MaxMemory || g.Memory%libxc.PageSize != 0:
		return errors.Errorf("memory of %d bytes: %d to %d in whole pages can be made", g.Memory, int64(MinMemory), int64(MaxMemory))
	case g.Passes < 1 || g.Passes > MaxPasses:
		return errors.Errorf("%d passes: 1 to %d can be made", g.Passes, MaxPasses)
	}
	return nil
}

// WriteTo writes the guest's stream to w and gives its length. It fails with the error
// of Check before it writes anything, or with that of w.
func (g Guest) WriteTo(w io.Writer) (int64, error) {
	if err := g.Check(); err != nil {
		return 0, err
	}
	counted := &counter{w: w}
	buffered := bufio.NewWriterSize(counted, 64<<10)
	b := batch{guest: g, w: buffered}
	buffered.Write(g.appendStart(nil))
	g.writeFrames(buffered)
	for pass := range g.Passes {
		if err := b.pass(pass); err != nil {
			return counted.n, err
		}
	}
	buffered.Write(g.appendEnd(nil))
	return counted.n, buffered.Flush() // which is the first error of all
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (g Guest) pages() uint64 { return uint64(g.Memory / libxc.PageSize) }
