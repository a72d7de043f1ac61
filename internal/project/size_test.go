package project

import (
	"go/ast"
	"strings"
	"testing"
)

// How long a file, and a function that is no test, may be. What grows beyond that holds two ideas.
const (
	longestFile     = 500
	longestFunction = 60
)

func TestFilesAndFunctionsAreShort(t *testing.T) {
	set, files := goFiles(t, func(string) bool { return true })
	functions := 0
	for name, f := range files {
		if lines := set.File(f.Pos()).LineCount(); lines > longestFile {
			t.Errorf("%s has %d lines", name, lines)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue // whose tables may be long
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			functions++
			from, to := set.Position(fn.Pos()), set.Position(fn.End())
			if lines := to.Line - from.Line + 1; lines > longestFunction {
				t.Errorf("%v: %s has %d lines", from, fn.Name.Name, lines)
			}
		}
	}
	if functions < 500 {
		t.Errorf("only %d functions were looked at", functions)
	}
}
