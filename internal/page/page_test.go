package page

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ctxpipe/ctxpipe/internal/survey"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

func reportOf(tb testing.TB, stream []byte) survey.Report {
	tb.Helper()
	var s survey.Survey
	w, err := xen.New(xen.WithVisitor(s.Visitor()))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(stream); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return s.Report(w)
}

func written(tb testing.TB, name string, r survey.Report) string {
	tb.Helper()
	var b strings.Builder
	if err := Write(&b, name, r); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// The page fetches nothing and runs nothing.
func TestSelfContained(t *testing.T) {
	for _, s := range vectest.Streams(t) {
		p := written(t, s.Name, reportOf(t, s.Bytes))
		if found := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|src=|https?://|url\(|@import`).FindString(p); found != "" {
			t.Errorf("%s: %q is in the page", s.Name, found)
		}
	}
}

// What stands in a stream is shown and never obeyed.
func TestHostileNames(t *testing.T) {
	const hostile = `</title></style><script>alert(1)</script>"'><img src=x onerror=alert(1)>&{{.}}`
	r := reportOf(t, vectest.RealStream(t))
	r.Domain.Name, r.Domain.Type, r.Trailing, r.Libxc.Guest = hostile, hostile, hostile, hostile
	r.Line[0].Name, r.Line[0].Layer, r.HVM[0].Name, r.VCPUs[0].Mode = hostile, hostile, hostile, hostile
	r.Libxc.Pages.ByType[hostile] = 1
	p := written(t, hostile, r)
	if strings.Contains(p, "<script") || strings.Contains(p, "<img") || strings.Contains(p, `"'><`) {
		t.Error("markup of the stream is in the page")
	}
	if n := strings.Count(p, "&lt;script&gt;alert(1)"); n < 8 {
		t.Errorf("shown %d times", n)
	}
}

// Whatever there is, there is a page.
func TestOddReports(t *testing.T) {
	for _, r := range []survey.Report{
		{}, {Kind: "opaque", Bytes: 5},
		{Line: []survey.Span{{}}, Map: survey.Map{Span: 1 << 51, Cells: []survey.Cell{{}, {Holes: 1}}}},
		{Libxc: &survey.Libxc{}, Libxl: &survey.Libxl{}, Domain: &survey.Domain{}},
	} {
		if p := written(t, "x", r); !strings.HasSuffix(p, "</html>\n") {
			t.Errorf("%+v: no whole page", r)
		}
	}
}

// A real browser lays the page out: its pictures have their squares, its tables
// their rows, and nothing is wider than a phone.
func TestInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here")
	}
	s := vectest.Streams(t)[0]
	r := reportOf(t, s.Bytes)
	dir := t.TempDir()
	// A page around it measures it: it runs no scripts itself.
	probe := `<!DOCTYPE html><title>probe</title><iframe id="f" style="width:360px;height:4000px" src="page.html"></iframe>
<script>document.getElementById("f").onload = function () {
  var d = this.contentDocument, e = d.documentElement;
  document.title = ["squares", d.querySelectorAll("svg rect").length, "drawn", Math.round(d.querySelector("svg rect").getBoundingClientRect().width * 10),
    "rows", d.querySelectorAll("tr").length, "wide", e.scrollWidth, "name", d.querySelector("h1").textContent].join(" ");
};</script>`
	for name, content := range map[string]string{"page.html": written(t, s.Name, r), "probe.html": probe} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--virtual-time-budget=5000", "--dump-dom", "file://"+filepath.Join(dir, "probe.html"))
	cmd.WaitDelay = time.Minute
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var squares, drawn, rows, wide int
	var domain string
	title := regexp.MustCompile(`<title>(squares .*)</title>`).FindSubmatch(out)
	if title == nil {
		t.Fatalf("nothing was measured: %s", out)
	}
	if _, err := fmt.Sscanf(string(title[1]), "squares %d drawn %d rows %d wide %d name %s", &squares, &drawn, &rows, &wide, &domain); err != nil {
		t.Fatalf("%s: %v", title[1], err)
	}
	want := strings.Count(written(t, s.Name, r), "<rect")
	if squares != want || want < 100 || drawn == 0 || rows < len(r.Line) || wide > 360 || domain != r.Domain.Name {
		t.Errorf("%s, want %d squares, %d rows, no wider than 360, name %s", title[1], want, len(r.Line), r.Domain.Name)
	}
	t.Logf("%s", title[1])
}
