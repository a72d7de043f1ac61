package faults

import (
	"encoding/json"
	"sync"
	"testing"
)

// Key is the attribute of a test that holds a [Row] as JSON.
const Key = "reliability"

// A Row is one line of a table of docs/reliability.md.
type Row struct {
	Table   string // "faults" or "hostile"
	Fault   string // or the input
	Command string // or the layer
	Rounds  int
	Came    map[string]int // what came of how many rounds, of a fault
	Stopped string         // what stopped an input
	Peak    int64          // most resident bytes, with an input
}

// Tell tells of a row.
func Tell(t *testing.T, r Row) {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Attr(Key, string(b))
}

// A Tally counts what came of rounds with one fault in one command.
type Tally struct {
	t              *testing.T
	fault, command string
	mu             sync.Mutex
	outcomes       map[string]int
}

// NewTally makes one that tells of its row when the test ends.
func NewTally(t *testing.T, fault, command string) *Tally {
	y := &Tally{t: t, fault: fault, command: command, outcomes: make(map[string]int)}
	t.Cleanup(y.tell)
	return y
}

// Count counts a round that came out like that.
func (y *Tally) Count(outcome string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.outcomes[outcome]++
}

func (y *Tally) tell() {
	rounds := 0
	for _, n := range y.outcomes {
		rounds += n
	}
	if rounds == 0 {
		return // it could not be tried here
	}
	Tell(y.t, Row{Table: "faults", Fault: y.fault, Command: y.command, Rounds: rounds, Came: y.outcomes})
}
