package report

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/template"

	"github.com/ctxpipe/ctxpipe/bench/result"
)

//go:embed page.md
var source string

// page is parsed when it is needed: the filters start without it.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Parse(source))
})

// view is what the template shows.
type view struct {
	R        *result.Run
	Minutes  string
	RAM      string
	Command  string
	Groups   []Group
	Memory   []string
	Sections []section
	Plots    string
}

// section is a table with its pictures.
type section struct {
	table
	Pictures []Picture
}

// Markdown writes the page. plots is where the pictures are, as seen from it.
func Markdown(w io.Writer, r *result.Run, pictures []Picture, plots string) error {
	v := view{
		R: r, Minutes: fmt.Sprintf("%.0f", r.Seconds/60), RAM: fmt.Sprintf("%.1f GiB", float64(r.Machine.Memory)/(1<<30)),
		Command: strings.Join(r.Command, " "), Groups: Groups(r), Memory: memoryLosses(r), Plots: plots,
	}
	for _, t := range tables(r) {
		s := section{table: t}
		for _, p := range pictures {
			if p.Section == t.Title {
				s.Pictures = append(s.Pictures, p)
			}
		}
		v.Sections = append(v.Sections, s)
	}
	return page().Execute(w, v)
}
