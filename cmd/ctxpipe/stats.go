package main

import (
	"encoding/json"
	"os"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// usage is what the whole process has cost.
type usage struct {
	CPUSeconds float64 `json:"cpu_seconds"` // user and system
	PeakMemory int64   `json:"peak_memory"` // most resident bytes
}

// writeStats writes s, and what the process has used, as one line of JSON to a
// file, or to standard error if the name is "-".
func writeStats(name string, s pipe.Stats) error {
	line, err := json.Marshal(struct {
		pipe.Stats
		usage
	}{s, usageNow()})
	if err != nil {
		return errors.Wrap(err, "statistics")
	}
	line = append(line, '\n')
	if name == "-" {
		_, err = screen.Write(line)
		return err
	}
	return os.WriteFile(name, line, 0o600)
}
