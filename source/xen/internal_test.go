package xen

import (
	"errors"
	"io"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// Phases hand over structures whole. Where one did not, what is missing would not be
// taken for zeros.
//
// Proves: XS-3.
func TestStructuresAreNotGuessedAt(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		take func(*Walker, []byte) error
	}{
		"xl header":     {xl.HeaderSize, (*Walker).xlHeader},
		"libxl header":  {libxl.HeaderSize, (*Walker).libxlHeader},
		"libxl record":  {libxl.RecordHeaderSize, (*Walker).libxlRecord},
		"emulator":      {libxl.EmulatorSize, (*Walker).emulator},
		"image header":  {libxc.ImageHeaderSize, (*Walker).imageHeader},
		"domain header": {libxc.DomainHeaderSize, (*Walker).domainHeader},
		"libxc record":  {libxc.RecordHeaderSize, (*Walker).libxcRecord},
		"PAGE_DATA":     {libxc.PageDataHeaderSize, (*Walker).pageDataHeader},
		"X86_PV_INFO":   {libxc.PVInfoSize, (*Walker).pvInfo},
		"P2M_FRAMES":    {libxc.P2MRangeSize, (*Walker).p2mRange},
		"X86_PV_VCPU":   {libxc.VCPUHeaderSize, (*Walker).vcpu},
		"X86_TSC_INFO":  {libxc.TSCInfoSize, (*Walker).tscInfo},
		"HVM_PARAMS":    {libxc.ParamsHeaderSize, (*Walker).hvmParams},
	} {
		for n := range c.size {
			w, err := New(WithFindings(func(e *frame.Error) { t.Errorf("%s of %d bytes: found %v", name, n, e) }))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.take(w, make([]byte, n)); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s of %d bytes: %v", name, n, err)
			}
		}
	}
}

// failing is a check of a context that fails for a reason of its own.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
func (failing) Close() error              { return io.ErrClosedPipe }

// An error that is no broken rule stops the walk, though all findings are wanted.
func TestErrorsThatAreNoRules(t *testing.T) {
	w, err := New(WithFindings(func(e *frame.Error) { t.Errorf("found %v", e) }))
	if err != nil {
		t.Fatal(err)
	}
	w.sub = subState{check: failing{}, then: (*Walker).endRecord}
	if err := w.feedContext([]byte{1}); err != io.ErrClosedPipe {
		t.Errorf("fed: %v", err)
	}
	if err := w.endContext(); err != io.ErrClosedPipe {
		t.Errorf("at its end: %v", err)
	}
	c := context{start: 24, index: 2}
	if e := c.placed(io.ErrClosedPipe); !errors.Is(e, io.ErrClosedPipe) || e.Offset != 24 || e.Index != 2 {
		t.Errorf("placed: %v", e)
	}
}
