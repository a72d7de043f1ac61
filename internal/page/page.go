package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"sort"
	"sync"

	"github.com/ctxpipe/ctxpipe/internal/survey"
)

//go:embed page.html
var source string

// pageTemplate is parsed when it is needed: the filters start without it.
var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"bytes":   bytes,
		"count":   count,
		"percent": percent,
	}).Parse(source))
})

// Write writes the page about a report on a stream of that name. All that comes
// from the stream is escaped.
func Write(w io.Writer, name string, r survey.Report) error {
	v := view{Name: name, R: r, Map: picture(r.Map, kindOf), Packs: picture(r.Map, packOf), Line: timeline(r)}
	if r.Libxc != nil {
		for t, n := range r.Libxc.Pages.ByType {
			v.Types = append(v.Types, total{t, n})
		}
		sort.Slice(v.Types, func(i, j int) bool { return v.Types[i].Name < v.Types[j].Name })
	}
	z := r.Sizes
	for _, t := range []total{
		{"pages", z.Pages}, {"page entries", z.Entries}, {"libxc", z.Libxc}, {"libxl", z.Libxl},
		{"xl header, configuration", z.XL}, {"behind END", z.Trailing}, {"the rest", z.Rest},
	} {
		if t.N > 0 {
			v.Sizes = append(v.Sizes, t)
		}
	}
	return pageTemplate().Execute(w, v)
}

// view is what the template shows.
type view struct {
	Name  string
	R     survey.Report
	Map   grid
	Packs grid
	Line  []bar
	Types []total
	Sizes []total
}

type total struct {
	Name string
	N    int64
}

// bytes gives a size for reading.
func bytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1<<10 && i < len(units)-1 {
		f, i = f/(1<<10), i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// count gives a number with its thousands apart.
func count(n any) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func percent(n, of int64) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}
