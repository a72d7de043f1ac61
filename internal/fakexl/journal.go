package fakexl

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// Event is one change of a domain. What is "created", "renamed", "destroyed" or
// the new [State].
type Event struct {
	Host string
	ID   int
	Name string // since the event
	What string
	PID  int // of the command that did it
}

// While a domain moves, it has a name of its own on either side.
const (
	incoming = "--incoming"
	away     = "--migratedaway"
)

// guest gives the name without what a migration appends to it.
func guest(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, incoming), away)
}

// record appends an event to the journal. The lock is held.
func (d Dir) record(dom Domain, what string) {
	d.note("journal", string(must(json.Marshal(Event{dom.Host, dom.ID, dom.Name, what, os.Getpid()}))))
}

// Events gives all that happened, in order.
func (d Dir) Events() []Event {
	b, err := os.ReadFile(filepath.Join(string(d), "journal"))
	if !errors.Is(err, fs.ErrNotExist) {
		check(err)
	}
	var all []Event
	for line := range bytes.Lines(b) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // it is being written
		}
		var e Event
		check(json.Unmarshal(line, &e))
		all = append(all, e)
	}
	return all
}

// Twice gives the events by which a guest began to run while it ran already, on
// another host or on the same. Several names are those that one guest has had;
// what a migration appends to a name does not count.
func (d Dir) Twice(names ...string) []Event {
	type domain struct {
		host string
		id   int
	}
	var twice []Event
	running := make(map[domain]bool)
	for _, e := range d.Events() {
		if !slices.Contains(names, guest(e.Name)) {
			continue
		}
		it := domain{e.Host, e.ID}
		switch e.What {
		case string(Running):
			running[it] = true
			if len(running) > 1 {
				twice = append(twice, e)
			}
		case string(Paused), string(Suspended), "destroyed":
			delete(running, it)
		}
	}
	return twice
}
