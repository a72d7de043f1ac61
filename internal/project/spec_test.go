package project

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/vectest"
)

const root = "../.."

var (
	ruleDefined = regexp.MustCompile(`\*\*\[([A-Z]+-[0-9]+)\]\*\*`)
	ruleNamed   = regexp.MustCompile(`\b(?:DC|TR|HV|XS)-[0-9]+\b`)
	provesLine  = regexp.MustCompile(`Proves: ((?:(?:DC|TR|HV|XS)-[0-9]+,?\s*)+)`)
)

// rules gives the rules that the specifications define, with their file.
func rules(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	files, err := filepath.Glob(root + "/docs/spec/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specifications: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ruleDefined.FindAllStringSubmatch(string(text), -1) {
			if found[m[1]] != "" {
				t.Errorf("%s is defined twice", m[1])
			}
			found[m[1]] = filepath.Base(name)
		}
	}
	return found
}

// goFiles parses all Go files of the project that a test of their name wants.
func goFiles(t *testing.T, want func(name string) bool) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	set, found := token.NewFileSet(), make(map[string]*ast.File)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != "." && d.Name() != ".." {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || !want(name) {
			return nil
		}
		f, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		found[name] = f
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return set, found
}

// proofs gives, by rule, the tests that say they prove it, and the vectors
// that a verifier must refuse by it.
func proofs(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	_, files := goFiles(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	for name, f := range files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Doc == nil {
				continue
			}
			for _, m := range provesLine.FindAllStringSubmatch(fn.Doc.Text(), -1) {
				if !strings.HasPrefix(fn.Name.Name, "Test") && !strings.HasPrefix(fn.Name.Name, "Fuzz") {
					t.Errorf("%s: %s is no test and proves nothing", name, fn.Name.Name)
				}
				for _, id := range ruleNamed.FindAllString(m[1], -1) {
					found[id] = append(found[id], fn.Name.Name)
				}
			}
		}
	}
	for layout, verdicts := range vectest.Verdicts {
		for vector, rule := range verdicts {
			if rule != "" {
				found[string(rule)] = append(found[string(rule)], layout.String()+"/"+vector)
			}
		}
	}
	return found
}

func TestEveryRuleIsProven(t *testing.T) {
	defined, proven := rules(t), proofs(t)
	for _, id := range slices.Sorted(maps.Keys(defined)) {
		by := proven[id]
		if len(by) == 0 {
			t.Errorf("%s (%s) is proven by nothing", id, defined[id])
			continue
		}
		slices.Sort(by)
		t.Logf("%-6s %d proofs: %s", id, len(by), strings.Join(by[:min(4, len(by))], ", "))
	}
	for id, by := range proven {
		if defined[id] == "" {
			t.Errorf("%v prove %s, which no specification defines", by, id)
		}
	}
}

// Every paragraph that says MUST defines a rule, but for those that explain
// the word.
func TestEveryMustHasAnID(t *testing.T) {
	files, err := filepath.Glob(root + "/docs/spec/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal("no specifications")
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, paragraph := range regexp.MustCompile(`\n\s*\n|\n[*-] |\n\| `).Split(string(text), -1) {
			musts := strings.Count(paragraph, "MUST") - strings.Count(paragraph, "a MUST has")
			explains := strings.Contains(paragraph, "BCP 14")
			if musts > 0 && !explains && !ruleDefined.MatchString(paragraph) {
				t.Errorf("%s: a MUST without an id: %.120q", filepath.Base(name), paragraph)
			}
		}
	}
}

// The code names no rule that does not exist, and rules that errors report
// are the constants of their package.
func TestRulesInCodeExist(t *testing.T) {
	defined := rules(t)
	seen := 0
	_, files := goFiles(t, func(name string) bool { return !strings.Contains(name, "internal/project") })
	for name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ruleNamed.FindAllString(string(text), -1) {
			seen++
			if defined[id] == "" {
				t.Errorf("%s names %s, which no specification defines", name, id)
			}
		}
	}
	if seen == 0 {
		t.Error("no rule is named anywhere")
	}
}
