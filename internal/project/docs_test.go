package project

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// Every exported name of the public packages has a comment of its own, or
// stands in a group of constants or variables that has one.
func TestExportedNamesAreDocumented(t *testing.T) {
	set, files := goFiles(t, func(name string) bool {
		return !strings.HasSuffix(name, "_test.go") && !strings.Contains(name, "internal/") && !strings.Contains(name, "cmd/")
	})
	names := 0
	missing := func(pos token.Pos, name string) { t.Errorf("%v: %s is not documented", set.Position(pos), name) }
	for _, f := range files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if !d.Name.IsExported() || !exportedReceiver(d) {
					continue
				}
				names++
				if d.Doc == nil {
					missing(d.Pos(), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					for _, n := range undocumented(d, s, &names) {
						missing(n.Pos(), n.Name)
					}
				}
			}
		}
	}
	if names < 50 {
		t.Errorf("only %d names were looked at", names)
	}
	t.Logf("%d exported names", names)
}

// exportedReceiver says whether a function is no method, or one that a
// reader of the documentation sees.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported()
}

// undocumented gives the exported names of one specification that nothing
// comments on, and counts all of them.
func undocumented(d *ast.GenDecl, s ast.Spec, names *int) (bad []*ast.Ident) {
	check := func(n *ast.Ident, docs ...*ast.CommentGroup) {
		if !n.IsExported() {
			return
		}
		*names++
		for _, doc := range docs {
			if doc != nil {
				return
			}
		}
		bad = append(bad, n)
	}
	switch s := s.(type) {
	case *ast.TypeSpec:
		check(s.Name, s.Doc, d.Doc)
		if i, ok := s.Type.(*ast.InterfaceType); ok {
			for _, m := range i.Methods.List {
				for _, n := range m.Names {
					check(n, m.Doc)
				}
			}
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			check(n, s.Doc, s.Comment, d.Doc)
		}
	}
	return bad
}
