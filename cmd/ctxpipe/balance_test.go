package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/faults"
)

// balanced runs the tests, and demands that nothing is left after them: no descriptor of this
// process, and no process that any command has started.
type balanced struct{ *testing.M }

func (b balanced) Run() int {
	before := faults.Descriptors()
	if err := faults.Adopt(); err != nil {
		fmt.Fprintln(os.Stderr, "orphans are not seen:", err)
	}
	status := b.M.Run()
	for what, left := range map[string][]string{"is still open": faults.LeftOpen(before), "still runs": faults.LeftRunning()} {
		if len(left) > 0 {
			fmt.Fprintf(os.Stderr, "after all tests %q %s\n", left, what)
			status = max(status, 1)
		}
	}
	return status
}
