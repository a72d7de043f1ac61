package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/ctxpipe/ctxpipe/internal/page"
	"github.com/ctxpipe/ctxpipe/internal/survey"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// inspectStream surveys a save stream, or counts the bytes of what is none. It shows
// what it found whatever ended it.
func (f *inspectFlags) inspectStream(name string, r io.Reader, opaque bool) error {
	if f.html == "" {
		_, err := f.survey(r, opaque)
		return err
	}
	out, err := openOutput(f.html, f.force) // before the work, which may be long
	if err != nil {
		return err
	}
	report, err := f.survey(r, opaque)
	if err != nil && problemOf(err) == nil {
		return out.done(err)
	}
	if e := out.done(writePage(out, shown(name), report)); e != nil {
		return e
	}
	return err
}

// writePage writes the page, which is made of thousands of pieces, in few calls.
func writePage(w io.Writer, name string, r survey.Report) error {
	b := bufio.NewWriter(w)
	if err := page.Write(b, name, r); err != nil {
		return err
	}
	return b.Flush()
}

// survey surveys a stream and prints what it found, unless the world is bad and not the
// stream.
func (f *inspectFlags) survey(r io.Reader, opaque bool) (survey.Report, error) {
	report, err := surveyOf(r, opaque)
	if err != nil && problemOf(err) == nil {
		return report, err
	}
	if e := f.showReport(os.Stdout, report, problemOf(err)); e != nil {
		return report, e
	}
	return report, err
}

// showReport prints a report for a person or a program.
func (f *inspectFlags) showReport(w io.Writer, r survey.Report, p *problem) error {
	out := bufio.NewWriter(w)
	print := f.print
	if f.asJSON {
		print = func(w io.Writer, r survey.Report) error {
			return json.NewEncoder(w).Encode(struct {
				survey.Report
				Error *problem `json:"error,omitempty"`
			}{r, p})
		}
	}
	if err := print(out, r); err != nil {
		return err
	}
	return out.Flush()
}

func surveyOf(r io.Reader, opaque bool) (survey.Report, error) {
	if opaque {
		n, err := io.Copy(io.Discard, r)
		return survey.Report{Kind: xen.Opaque.String(), Bytes: n, Complete: err == nil, Sizes: survey.Sizes{Rest: n}}, err
	}
	var s survey.Survey
	w, err := xen.New(xen.WithVisitor(s.Visitor()))
	if err != nil {
		return survey.Report{}, err
	}
	if _, err = io.Copy(w, r); err == nil {
		err = w.Close()
	}
	return s.Report(w), err
}

// print prints a report for a person.
func (f *inspectFlags) print(w io.Writer, r survey.Report) error {
	state := "complete"
	if !r.Complete {
		state = "NOT complete"
	}
	fmt.Fprintf(w, "%s, %s, %s\n", r.Kind, size(r.Bytes), state)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	printDomain(t, r)
	printPages(t, r)
	f.printVCPUs(t, r)
	printContext(t, r)
	printRecords(t, r)
	printSizes(t, r)
	return t.Flush()
}

func printDomain(w io.Writer, r survey.Report) {
	if d := r.Domain; d != nil {
		fmt.Fprintf(w, "\ndomain\t%q, type %s, %s, memory %s of %s\n", d.Name, d.Type, count(d.MaxVCPUs, "vCPU", "vCPUs"), size(int64(d.MemKB)<<10), size(int64(d.MaxMemKB)<<10))
	}
	if l := r.Libxc; l != nil {
		fmt.Fprintf(w, "libxc\tversion %d, %s, saved by Xen %d.%d\n", l.Version, l.Guest, l.XenMajor, l.XenMinor)
	}
	if r.Trailing != "" {
		fmt.Fprintf(w, "behind END\t%s\n", r.Trailing)
	}
}

func printPages(w io.Writer, r survey.Report) {
	if r.Libxc == nil {
		return
	}
	p := r.Libxc.Pages
	fmt.Fprintf(w, "pages\t%s with data in %s, %s\n", grouped(p.Total), count(p.Entries, "entry", "entries"), count(p.Passes, "pass", "passes"))
	fmt.Fprintf(w, "\t%s zero (%s), %s of different frames, %s sent again\n",
		grouped(p.Zero), percent(p.Zero, p.Total), grouped(p.UniquePFNs), grouped(p.Repeated))
	if p.Uncounted > 0 {
		fmt.Fprintf(w, "\t%s with frame numbers too scattered to keep track of\n", grouped(p.Uncounted))
	}
	var types []string
	for name, n := range p.ByType {
		types = append(types, name+" "+grouped(n))
	}
	sort.Strings(types)
	fmt.Fprintf(w, "\t%s\n", strings.Join(types, ", "))
}

func (f *inspectFlags) printVCPUs(w io.Writer, r survey.Report) {
	for _, c := range r.VCPUs {
		fmt.Fprintf(w, "vCPU %d\t%s, ring %d, rip %#x, cr3 %#x, efer %#x\n", c.ID, c.Mode, c.CPL, c.RIP, c.CR3, c.EFER)
		if f.verbose {
			fmt.Fprintf(w, "\trsp %#x, cr0 %#x, cr4 %#x\n", c.RSP, c.CR0, c.CR4)
		}
	}
}

func printContext(w io.Writer, r survey.Report) {
	if len(r.HVM) > 0 {
		var names []string
		for _, e := range r.HVM {
			names = append(names, fmt.Sprintf("%s %d (%d B)", e.Name, e.Instance, e.Length))
		}
		fmt.Fprintf(w, "HVM context\t%s\n", count(len(names), "entry", "entries"))
		for len(names) > 0 {
			n := min(5, len(names))
			fmt.Fprintf(w, "\t%s\n", strings.Join(names[:n], ", "))
			names = names[n:]
		}
	}
	if r.Contexts > 0 {
		fmt.Fprintf(w, "domain context\t%s\n", count(r.Contexts, "entry", "entries"))
	}
}

func printRecords(w io.Writer, r survey.Report) {
	if len(r.Line) > 0 {
		fmt.Fprint(w, "\nrecord\tlayer\toffset\tbytes\t\n")
	}
	for _, l := range r.Line {
		what := ""
		switch {
		case l.Pass > 0:
			what = fmt.Sprintf("%s, %s, pass %d", count(l.Records, "record", "records"), count(l.Pages, "page", "pages"), l.Pass)
		case l.Records > 1:
			what = count(l.Records, "record", "records")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.Name, l.Layer, grouped(l.Offset), grouped(l.Bytes), what)
	}
}

func printSizes(w io.Writer, r survey.Report) {
	fmt.Fprint(w, "\nwhere the bytes are\t\n")
	z := r.Sizes
	for _, s := range []struct {
		name string
		n    int64
	}{
		{"xl header, configuration", z.XL}, {"libxl", z.Libxl}, {"libxc", z.Libxc}, {"page entries", z.Entries},
		{"pages", z.Pages}, {"behind END", z.Trailing}, {"the rest", z.Rest}, {"all", r.Bytes},
	} {
		if s.n > 0 {
			fmt.Fprintf(w, "%s\t%s\t%s\n", s.name, grouped(s.n), percent(s.n, r.Bytes))
		}
	}
}

func percent(n, of int64) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}
