package report

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/ctxpipe/ctxpipe/bench/result"
)

// WriteFiles writes the page of a run to a file and its pictures into a folder,
// docs/plots beside the page if none is named. What stands there under the same
// names is replaced.
func WriteFiles(r *result.Run, page, plots string) error {
	if plots == "" {
		plots = filepath.Join(filepath.Dir(page), "docs", "plots")
	}
	pictures, err := Pictures(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(plots, 0o755); err != nil {
		return err
	}
	for _, p := range pictures {
		if err := os.WriteFile(filepath.Join(plots, p.Name), p.SVG, 0o644); err != nil {
			return err
		}
	}
	from, err := filepath.Rel(filepath.Dir(page), plots)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := Markdown(&b, r, pictures, filepath.ToSlash(from)); err != nil {
		return err
	}
	return os.WriteFile(page, b.Bytes(), 0o644)
}
