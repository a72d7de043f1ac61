package guestmem

import (
	"bytes"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
)

func TestSameSeedSamePages(t *testing.T) {
	whole := make([]byte, 100*PageSize)
	Fill(whole, 1, 0)
	part := make([]byte, 10*PageSize)
	Fill(part, 1, 50)
	if !bytes.Equal(part, whole[50*PageSize:60*PageSize]) {
		t.Error("pages depend on where filling began")
	}
	Fill(part, 2, 50)
	if bytes.Equal(part, whole[50*PageSize:60*PageSize]) {
		t.Error("pages do not depend on the seed")
	}
}

func TestMix(t *testing.T) {
	p := make([]byte, 1000*PageSize)
	Fill(p, 7, 0)
	zero := 0
	for i := 0; i < len(p); i += PageSize {
		if frame.IsZero(p[i : i+PageSize]) {
			zero++
		}
	}
	if zero < 250 || zero > 350 {
		t.Errorf("%d of 1000 pages are zero, want about 300", zero)
	}
}
