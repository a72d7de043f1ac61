package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/pipe"
)

// listed is what compress -l --json prints about a file.
type listed struct {
	Name string `json:"name"`
	pipe.Listing
	Wire   string           `json:"wire"`             // of a sealed stream, else empty
	Ratio  float64          `json:"ratio"`            // 0 if it is not known
	Levels map[string]int64 `json:"levels,omitempty"` // frames by the level's name
	Error  *problem         `json:"error,omitempty"`
}

// lister is compress -l.
type lister struct {
	w       io.Writer
	asJSON  bool
	verbose bool
	files   int
	total   pipe.Listing
}

// head prints what stands above the table.
func (l *lister) head() error {
	if l.asJSON {
		return nil
	}
	return l.row("state", "frames", "skips", "compressed", "content", "ratio", "wire", "payload", "name")
}

func (l *lister) row(cells ...any) error {
	_, err := fmt.Fprintf(l.w, "%8s %8v %6v %11s %11s %6s %7s %14s  %s\n", cells...)
	return err
}

// file lists one input. What is not even a stream's fault has no line.
func (l *lister) file(name string) (outputErr, err error) {
	err = withInput([]string{name}, func(_ string, in *os.File) error {
		found, err := pipe.List(in)
		if err == nil || statusOf(err) == statusBad {
			outputErr = l.print(name, found, err)
		}
		return err
	})
	return outputErr, errors.Wrap(err, shown(name))
}

func (l *lister) print(name string, found pipe.Listing, err error) error {
	if l.asJSON {
		return l.printJSON(name, found, err)
	}
	l.add(found)
	if err := l.row(lineOf(found, stateOf(found, err), shown(name))...); err != nil || !l.verbose {
		return err
	}
	_, err = fmt.Fprintf(l.w, "%8s %s\n", "", details(found))
	return err
}

func (l *lister) printJSON(name string, found pipe.Listing, err error) error {
	line := listed{Name: name, Listing: found, Ratio: found.Ratio()}
	if found.Kind == pipe.Sealed {
		line.Wire = found.Wire.String()
	}
	if found.Levels != nil {
		line.Levels = make(map[string]int64)
		for i, n := range found.Levels {
			line.Levels[levelName(i)] = n
		}
	}
	if err != nil {
		line.Error = problemOf(err)
	}
	return json.NewEncoder(l.w).Encode(line)
}

// add adds a file to the totals.
func (l *lister) add(found pipe.Listing) {
	t := &l.total
	t.ContentKnown = (l.files == 0 || t.ContentKnown) && found.ContentKnown
	l.files++
	t.Frames += found.Frames
	t.Skippable += found.Skippable
	t.Compressed += found.Compressed
	t.Content += found.Content
}

// foot prints the totals, if there is more than one file.
func (l *lister) foot() error {
	if l.asJSON || l.files < 2 {
		return nil
	}
	return l.row(lineOf(l.total, "total", count(l.files, "file", "files"))...)
}

// lineOf gives the cells of a table's line.
func lineOf(found pipe.Listing, state, name string) []any {
	content, ratio, wire, payload := "-", "-", "-", "-"
	if found.ContentKnown {
		content, ratio = size(found.Content), fmt.Sprintf("%.2f", found.Ratio())
	}
	if found.Kind == pipe.Sealed {
		wire = found.Wire.String()
	}
	if found.Payload != "" {
		payload = string(found.Payload)
	}
	return []any{state, found.Frames, found.Skippable, size(found.Compressed), content, ratio, wire, payload, name}
}

// stateOf says in a word what a listing found, in capitals what is wrong.
func stateOf(found pipe.Listing, err error) string {
	switch {
	case err == nil:
		return found.Kind.String()
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "CUT"
	case found.Kind == pipe.Raw:
		return "UNKNOWN"
	case errors.Is(err, frame.ErrCorrupt):
		return "DAMAGED"
	}
	return "REFUSED"
}

// details gives what the table has no room for.
func details(found pipe.Listing) string {
	parts := []string{fmt.Sprintf("%d zstd, %d fast, %d elided", found.Zstd, found.Fast, found.Elided)}
	if found.Levels != nil {
		var levels []string
		for i, n := range found.Levels {
			if n > 0 {
				levels = append(levels, fmt.Sprintf("%s %d", levelName(i), n))
			}
		}
		if levels != nil {
			parts = append(parts, "by level "+strings.Join(levels, ", "))
		}
	}
	if found.Chunk > 0 {
		parts = append(parts, "chunk "+size(int64(found.Chunk)))
	}
	if found.Window > 0 {
		parts = append(parts, "window "+size(found.Window))
	}
	return strings.Join(parts, "; ")
}

// levelName gives the name of a level in a seal, also of one that only newer
// writers know.
func levelName(i int) string {
	if i < len(pipe.LevelCounts{}) {
		return pipe.Level(i).String()
	}
	return fmt.Sprintf("level-%d", i)
}
