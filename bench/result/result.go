package result

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/pkg/errors"
)

// Version is that of the JSON. It rises when a field changes its meaning.
const Version = 1

// Run is all that was measured in one run.
type Run struct {
	Version  int       `json:"version"`
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"` // that the whole run took
	Command  []string  `json:"command"` // that made it, with the program's name only
	Rounds   int       `json:"rounds"`
	Machine  Machine   `json:"machine"`
	Subjects []Subject `json:"subjects"`
	Inputs   []Input   `json:"inputs"`
	Codecs   []Codec   `json:"codecs,omitempty"`
	Link     *Link     `json:"link,omitempty"` // how the moves' link was made
	Moves    []Move    `json:"moves,omitempty"`
	Saves    []Save    `json:"saves,omitempty"`
	Flat     []Flat    `json:"flat,omitempty"`
}

// Machine is where it was measured.
type Machine struct {
	CPU        string  `json:"cpu"`
	Processors int     `json:"processors"`
	Memory     int64   `json:"memory"` // bytes, 0 where unknown
	OS         string  `json:"os"`     // and architecture
	Kernel     string  `json:"kernel"`
	Go         string  `json:"go"`       // its version, and the instructions that it compiled for
	Revision   string  `json:"revision"` // of ctxpipe, with a + behind it where the tree had changes
	Load       float64 `json:"load"`     // average number of processes ready to run in the minute before
}

// Role says what a subject is in the comparison.
type Role string

// The roles.
const (
	Plain Role = "plain" // moves the bytes as they are
	Peer  Role = "peer"
	Ours  Role = "ctxpipe"
)

// Subject is a way to compress and restore.
type Subject struct {
	Name     string `json:"name"`
	Role     Role   `json:"role"`
	Version  string `json:"version"`
	Compress string `json:"compress"` // command from standard input to standard output
	Restore  string `json:"restore"`
}

// Input is a stream that was compressed or moved.
type Input struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Sample is what one process has taken in one round.
type Sample struct {
	Wall   float64 `json:"wall"` // seconds, as are the next two
	User   float64 `json:"user"`
	System float64 `json:"system"`
	Peak   int64   `json:"peak"` // most resident bytes, in a run of its own; 0 where nobody looked
}

// CPU gives the seconds of the processor.
func (s Sample) CPU() float64 { return s.User + s.System }

// Codec is what a subject did with an input, both ways.
type Codec struct {
	Input    string   `json:"input"`
	Subject  string   `json:"subject"`
	Packed   int64    `json:"packed"` // bytes
	Compress []Sample `json:"compress"`
	Restore  []Sample `json:"restore"`
}

// Link is how the link was made.
type Link struct {
	Kind     string   `json:"kind"`
	Why      string   `json:"why,omitempty"` // not a better one
	Commands []string `json:"commands,omitempty"`
}

// Move is a subject that moved an input over the link.
type Move struct {
	Input   string   `json:"input"`
	Subject string   `json:"subject"`
	Rate    int64    `json:"rate"`    // bits a second, 0 without limit
	Samples []Sample `json:"samples"` // of compressor and decompressor together, whose memory nobody looks at
}

// Save is a way to save a domain context of one size.
type Save struct {
	Way     string       `json:"way"`
	Bytes   int64        `json:"bytes"` // of the one large entry in it
	Samples []SaveSample `json:"samples"`
}

// SaveSample is what one save has taken.
type SaveSample struct {
	Wall      float64 `json:"wall"` // seconds
	CPU       float64 `json:"cpu"`
	Peak      int64   `json:"peak"`      // most resident bytes of the whole process
	Allocs    int64   `json:"allocs"`    // number
	Allocated int64   `json:"allocated"` // bytes
}

// Flat is the peak memory of a subject for a stream of some length that was
// made up on its way.
type Flat struct {
	Subject  string   `json:"subject"`
	Bytes    int64    `json:"bytes"`    // of guest's memory
	Compress []Sample `json:"compress"` // Wall is 0: it is that of what made the stream up
	Restore  []Sample `json:"restore"`
}

// Read reads a run.
func Read(r io.Reader) (*Run, error) {
	var run Run
	if err := json.NewDecoder(r).Decode(&run); err != nil {
		return nil, errors.Wrap(err, "run")
	}
	if run.Version != Version {
		return nil, errors.Errorf("a run of version %d: only %d can be read", run.Version, Version)
	}
	return &run, nil
}

// Write writes the run for Read, in lines that a person can compare.
func (r *Run) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// Subject gives the subject of that name, or one that is only a name.
func (r *Run) Subject(name string) Subject {
	for _, s := range r.Subjects {
		if s.Name == name {
			return s
		}
	}
	return Subject{Name: name}
}

// Input gives the input of that name, or one that is only a name.
func (r *Run) Input(name string) Input {
	for _, i := range r.Inputs {
		if i.Name == name {
			return i
		}
	}
	return Input{Name: name}
}

// RateName gives a rate for reading, such as "2.5 Gb/s".
func RateName(bits int64) string {
	switch {
	case bits == 0:
		return "no limit"
	case bits >= 1e9:
		return fmt.Sprintf("%g Gb/s", float64(bits)/1e9)
	}
	return fmt.Sprintf("%g Mb/s", float64(bits)/1e6)
}
