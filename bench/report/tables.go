package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ctxpipe/ctxpipe/bench/result"
	"github.com/ctxpipe/ctxpipe/bench/saving"
)

// table is a table of words. The first column is the one that names the rows.
type table struct {
	Title string
	Head  []string
	Rows  [][]string
}

// writeText writes a table for a terminal.
func (t table) writeText(w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n\n", t.Title)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		fmt.Fprintln(tw, strings.ReplaceAll(strings.Join(row, "\t"), "**", ""))
	}
	return tw.Flush()
}

// Markdown gives the table as Markdown.
func (t table) Markdown() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.Head)
	rule := slices.Repeat([]string{"--:"}, len(t.Head))
	rule[0] = ":--"
	line(rule)
	for _, row := range t.Rows {
		line(row)
	}
	return b.String()
}

// Text writes all tables of a run.
func Text(w io.Writer, r *result.Run) error {
	for _, t := range tables(r) {
		if err := t.writeText(w); err != nil {
			return err
		}
	}
	return nil
}

func tables(r *result.Run) []table {
	var all []table
	for _, in := range r.Inputs {
		all = append(all, codecTable(r, in), moveTable(r, in))
	}
	all = append(all, saveTable(r), flatTable(r))
	return slices.DeleteFunc(all, func(t table) bool { return len(t.Rows) == 0 })
}

// The titles of the tables that have pictures.
const saveTitle = "One domain context saved"

func codecTitle(in result.Input) string { return in.Name + ": compress and restore" }

func moveTitle(in result.Input) string {
	return in.Name + ": seconds to move it over a link"
}

func codecTable(r *result.Run, in result.Input) table {
	t := table{
		Title: codecTitle(in),
		Head:  []string{"", "ratio", "CPU s/GB", "wall s", "MB/s", "peak MiB", "restore: CPU s/GB", "wall s", "MB/s", "peak MiB"},
	}
	for _, c := range r.Codecs {
		if c.Input != in.Name {
			continue
		}
		perGB := 1e9 / float64(in.Bytes)
		row := []string{c.Subject, fmt.Sprintf("%.2f", float64(in.Bytes)/float64(c.Packed))}
		for _, samples := range [][]result.Sample{c.Compress, c.Restore} {
			wall := result.SpreadOf(samples, result.Wall)
			row = append(row, spread(result.SpreadOf(samples, result.CPU).Times(perGB)), spread(wall),
				fmt.Sprintf("%.0f", float64(in.Bytes)/1e6/wall.Median), mebibytes(result.SpreadOf(samples, result.Peak).Median))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// spread writes a median and what it lies between.
func spread(s result.Spread) string {
	return fmt.Sprintf("%s (%s–%s)", short(s.Median), short(s.Min), short(s.Max))
}

// short writes a number with three digits that count.
func short(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	case f >= 1:
		return fmt.Sprintf("%.2f", f)
	}
	return fmt.Sprintf("%.3f", f)
}

func mebibytes(bytes float64) string { return short(bytes / (1 << 20)) }

// rates gives the rates of an input's moves, in the order they were made.
func rates(r *result.Run, in result.Input) []int64 {
	var all []int64
	for _, m := range r.Moves {
		if m.Input == in.Name && !slices.Contains(all, m.Rate) {
			all = append(all, m.Rate)
		}
	}
	return all
}

// moved gives the time that a subject's moves of an input took at a rate.
func moved(r *result.Run, input, subject string, rate int64) (result.Spread, bool) {
	for _, m := range r.Moves {
		if m.Input == input && m.Subject == subject && m.Rate == rate {
			return result.SpreadOf(m.Samples, result.Wall), true
		}
	}
	return result.Spread{}, false
}

func moveTable(r *result.Run, in result.Input) table {
	t := table{Title: moveTitle(in), Head: []string{""}}
	all := rates(r, in)
	least := make([]float64, len(all))
	for i, rate := range all {
		t.Head = append(t.Head, result.RateName(rate))
		for _, s := range r.Subjects {
			if m, ok := moved(r, in.Name, s.Name, rate); ok && (least[i] == 0 || m.Median < least[i]) {
				least[i] = m.Median
			}
		}
	}
	for _, s := range r.Subjects {
		row := []string{s.Name}
		for i, rate := range all {
			m, ok := moved(r, in.Name, s.Name, rate)
			switch {
			case !ok:
				continue
			case m.Median == least[i]:
				row = append(row, "**"+spread(m)+"**")
			default:
				row = append(row, spread(m))
			}
		}
		if len(row) == len(t.Head) && len(row) > 1 {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

func saveTable(r *result.Run) table {
	t := table{
		Title: saveTitle,
		Head:  []string{"", "size", "ms", "of plain", "CPU ms", "peak MiB", "allocated MiB", "allocations"},
	}
	for _, s := range r.Saves {
		wall := result.SpreadOf(s.Samples, func(s result.SaveSample) float64 { return s.Wall })
		figure := func(of func(result.SaveSample) float64) float64 { return result.SpreadOf(s.Samples, of).Median }
		ofPlain := "–"
		if p, ok := saved(r, plainFor(s.Way), s.Bytes); ok {
			ofPlain = fmt.Sprintf("%.2f", wall.Median/p.wall)
		}
		t.Rows = append(t.Rows, []string{
			s.Way, byteName(s.Bytes), spread(wall.Times(1000)), ofPlain,
			short(1000 * figure(func(s result.SaveSample) float64 { return s.CPU })),
			mebibytes(figure(func(s result.SaveSample) float64 { return float64(s.Peak) })),
			mebibytes(figure(func(s result.SaveSample) float64 { return float64(s.Allocated) })),
			fmt.Sprintf("%.0f", figure(func(s result.SaveSample) float64 { return float64(s.Allocs) })),
		})
	}
	return t
}

// plainFor gives the plain writes that a way is held against.
func plainFor(way string) string {
	for _, w := range saving.Ways() {
		if w.Name == way && w.ToFile {
			return saving.PlainFile
		}
	}
	return saving.PlainPipe
}

type saveFigures struct{ wall, peak float64 }

func saved(r *result.Run, way string, bytes int64) (saveFigures, bool) {
	for _, s := range r.Saves {
		if s.Way == way && s.Bytes == bytes {
			return saveFigures{
				result.SpreadOf(s.Samples, func(s result.SaveSample) float64 { return s.Wall }).Median,
				result.SpreadOf(s.Samples, func(s result.SaveSample) float64 { return float64(s.Peak) }).Median,
			}, true
		}
	}
	return saveFigures{}, false
}

// byteName gives bytes for reading, such as "64 KiB".
func byteName(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; n >= 1<<10 && n%(1<<10) == 0 && i < len(units)-1; i++ {
		n >>= 10
	}
	return fmt.Sprintf("%d %s", n, units[i])
}

// flatSizes gives the sizes of a run's flat streams, as they were run.
func flatSizes(r *result.Run) []int64 {
	var all []int64
	for _, f := range r.Flat {
		if !slices.Contains(all, f.Bytes) {
			all = append(all, f.Bytes)
		}
	}
	return all
}

// flatPeaks gives the peaks of a subject for a stream of that length, in the round that took most: a buffer
// more or less is up to how the two sides happen to meet, and what is asked is how much may be needed.
func flatPeaks(r *result.Run, subject string, bytes int64) (compress, restore float64, ok bool) {
	for _, f := range r.Flat {
		if f.Subject == subject && f.Bytes == bytes {
			return result.SpreadOf(f.Compress, result.Peak).Max, result.SpreadOf(f.Restore, result.Peak).Max, true
		}
	}
	return 0, 0, false
}

func flatTable(r *result.Run) table {
	t := table{Title: "Peak memory of all rounds by the stream's length: compress / restore, MiB", Head: []string{""}}
	for _, n := range flatSizes(r) {
		t.Head = append(t.Head, byteName(n))
	}
	for _, s := range r.Subjects {
		row := []string{s.Name}
		for _, n := range flatSizes(r) {
			if c, d, ok := flatPeaks(r, s.Name, n); ok {
				row = append(row, mebibytes(c)+" / "+mebibytes(d))
			}
		}
		if len(row) == len(t.Head) && len(row) > 1 {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}
