package main

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// lines tells a program about a job, one JSON object a line: reports as they come, with
// the event "progress", and at the end a summary, whatever became of the job.
type lines struct {
	to      *lossy
	command string
}

const (
	linePace = 500 * time.Millisecond
	// lastPatience is how long the summary may wait for a reader that is slow.
	lastPatience = time.Second
	// longestError keeps a line below what a pipe takes in one piece, however its
	// bytes are escaped.
	longestError = 400
)

// heading begins every line.
type heading struct {
	Event   string `json:"event"`
	Command string `json:"command"`
}

// summary is the last line.
type summary struct {
	heading
	Status int    `json:"status"` // as the exit status
	Error  string `json:"error,omitempty"`
	pipe.Stats
	usage
}

func (l *lines) pace() time.Duration { return linePace }

func (l *lines) show(r report) {
	l.send(struct {
		heading
		report
	}{heading{"progress", l.command}, r}, 0)
}

func (l *lines) end(s pipe.Stats, err error) {
	last := summary{heading: heading{"summary", l.command}, Stats: s, usage: usageNow()}
	if err != nil {
		last.Status = statusOf(err)
		last.Error = oneLine(err)
		last.Error = strings.ToValidUTF8(last.Error[:min(len(last.Error), longestError)], "")
	}
	l.send(last, lastPatience)
	l.to.close()
}

func (l *lines) send(line any, patience time.Duration) {
	b, err := json.Marshal(line)
	if err != nil {
		return
	}
	l.to.post(append(b, '\n'), patience)
}
