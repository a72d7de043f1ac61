package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ctxpipe/ctxpipe/bench/plot"
	"github.com/ctxpipe/ctxpipe/bench/result"
	"github.com/ctxpipe/ctxpipe/bench/saving"
)

// Picture is a picture by the name of its file.
type Picture struct {
	Name    string // of the file
	Title   string
	Section string // title of the table that it shows
	SVG     []byte
}

// svg is what can draw itself.
type svg interface {
	// WriteSVG writes the whole picture.
	WriteSVG(w io.Writer) error
}

// Pictures draws all that a run has figures for.
func Pictures(r *result.Run) ([]Picture, error) {
	var all []Picture
	add := func(name, title, section string, s svg) error {
		var b bytes.Buffer
		err := s.WriteSVG(&b)
		all = append(all, Picture{name + ".svg", title, section, b.Bytes()})
		return err
	}
	for _, in := range r.Inputs {
		name := fileName(in.Name)
		if points := r.Points(in.Name); len(points) > 0 {
			if err := add("levels-"+name, in.Name+": ratio and CPU", codecTitle(in), levels(r, in, points)); err != nil {
				return nil, err
			}
		}
		if len(rates(r, in)) == 0 {
			continue
		}
		if err := add("link-"+name, in.Name+": time over a link", moveTitle(in), link(r, in)); err != nil {
			return nil, err
		}
		if err := add("link-relative-"+name, in.Name+": time over a link, beside the best", moveTitle(in), relative(r, in)); err != nil {
			return nil, err
		}
	}
	if len(r.Saves) > 0 {
		if err := add("save-memory", "Memory for saving one context", saveTitle, saveMemory(r)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// fileName makes a name that can stand in a file's: letters, digits, dots and dashes.
func fileName(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' {
			return c
		}
		return '-'
	}, name)
}

// below says what figures a picture shows.
func below(r *result.Run) string {
	return fmt.Sprintf("medians of %d rounds, %d processors, %s", r.Rounds, r.Machine.Processors, r.Started.Format("2006-01-02"))
}

func levels(r *result.Run, in result.Input, points []result.Point) plot.Scatter {
	s := plot.Scatter{
		Title: in.Name + ": how well for how much work", Below: below(r) + "; up and to the left is better, dotted: what none beats",
		XLabel: "CPU seconds per GB, compressing", YLabel: "ratio",
	}
	for _, p := range points {
		style := plot.Other
		switch p.Role {
		case result.Ours:
			style = plot.Ours
		case result.Plain:
			style = plot.Plain
		}
		s.Dots = append(s.Dots, plot.Dot{X: p.Cost, Y: p.Ratio, Label: p.Subject, Style: style})
	}
	for _, p := range result.Front(points) {
		s.Front = append(s.Front, [2]float64{p.Cost, p.Ratio})
	}
	return s
}

func link(r *result.Run, in result.Input) plot.Lines {
	l := plot.Lines{
		Title: in.Name + ": time to move it", Below: below(r) + "; lower is better",
		XLabel: "rate of the link", YLabel: "seconds",
	}
	all := rates(r, in)
	for _, rate := range all {
		l.Places = append(l.Places, result.RateName(rate))
	}
	ours := 0
	for _, s := range r.Subjects {
		if _, ok := moved(r, in.Name, s.Name, all[0]); !ok {
			continue
		}
		line := plot.Series{Label: s.Name, Style: plot.Other}
		switch {
		case s.Role == result.Plain:
			line.Style = plot.Plain
		case s.Role == result.Ours && ours > 0:
			line.Style = plot.OursToo
		case s.Role == result.Ours:
			line.Style = plot.Ours
			ours++
		}
		for _, rate := range all {
			m, _ := moved(r, in.Name, s.Name, rate)
			line.Y = append(line.Y, m.Median)
		}
		l.Series = append(l.Series, line)
	}
	return l
}

// relative is link with each time divided by the least at that rate. What takes far
// longer is left out: it would only make the rest small.
func relative(r *result.Run, in result.Input) plot.Lines {
	const most = 8
	l := link(r, in)
	l.Title, l.YLabel = in.Name+": time to move it, as a multiple of the best", "times the least time at that rate"
	for i := range l.Places {
		least := 0.0
		for _, s := range l.Series {
			if least == 0 || s.Y[i] < least {
				least = s.Y[i]
			}
		}
		for _, s := range l.Series {
			s.Y[i] /= least
		}
	}
	l.Series = slices.DeleteFunc(l.Series, func(s plot.Series) bool { return s.Style == plot.Other && slices.Max(s.Y) > most })
	return l
}

func saveMemory(r *result.Run) plot.Lines {
	l := plot.Lines{
		Title: "Peak memory for saving one domain context", Below: below(r) + "; the whole process, lower is better",
		XLabel: "size of the context", YLabel: "MiB",
	}
	var sizes []int64
	lines := map[string]int{}
	for _, s := range r.Saves {
		if !slices.Contains(sizes, s.Bytes) {
			sizes = append(sizes, s.Bytes)
			l.Places = append(l.Places, byteName(s.Bytes))
		}
		if _, ok := lines[s.Way]; !ok {
			lines[s.Way] = len(l.Series)
			l.Series = append(l.Series, plot.Series{Label: s.Way, Style: saveStyle(s.Way)})
		}
	}
	for way, i := range lines {
		for _, n := range sizes {
			f, _ := saved(r, way, n)
			l.Series[i].Y = append(l.Series[i].Y, f.peak/(1<<20))
		}
	}
	return l
}

func saveStyle(way string) plot.Style {
	switch way {
	case saving.Planned:
		return plot.Ours
	case saving.PlainPipe, saving.PlainFile:
		return plot.Plain
	}
	return plot.Other
}
