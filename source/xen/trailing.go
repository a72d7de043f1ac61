package xen

import (
	"fmt"
	"math"

	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// trailing is what came behind a complete stream.
type trailing struct {
	matched int64 // bytes of the clearance message
	told    bool
}

// whole says whether all of the clearance message came.
func (t *trailing) whole() bool { return t.matched == int64(len(xl.Clearance)) }

// complete is called behind the last END. From here on anything passes, as it
// would on the pipe that the stream is on.
func (w *Walker) complete() {
	w.completeAt = w.off
	if w.visit.Point != nil {
		w.visit.Point(Complete, w.off)
	}
	w.at(w.kind.String(), "behind END")
	w.bytes(math.MaxInt64, (*Walker).behind, nil)
}

// behind compares bytes with the clearance message as long as they agree.
func (w *Walker) behind(b []byte) error {
	t := &w.trailing
	if w.kind == Libxc {
		w.take = nil
		return w.verify(libxc.RuleTrailing, "behind the stream", "nothing", "more bytes")
	}
	rest := xl.Clearance[t.matched:]
	n := min(len(b), len(rest))
	for i := range n {
		if b[i] != rest[i] {
			return w.notCleared()
		}
	}
	if t.matched += int64(n); n < len(b) {
		return w.notCleared()
	}
	return nil
}

func (w *Walker) notCleared() error {
	w.take = nil
	w.trailing.told = true
	return w.verify(libxl.RuleTrailing, "behind the stream", fmt.Sprintf("nothing, or the %d bytes that clear a receiver", len(xl.Clearance)), "something else")
}

// closeTrailing judges what came behind the stream when no more comes.
func (w *Walker) closeTrailing() error {
	if t := &w.trailing; t.matched > 0 && !t.whole() && !t.told {
		return w.notCleared()
	}
	return nil
}
