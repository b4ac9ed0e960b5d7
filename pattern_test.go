package pinsetter_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"testing"
)

// TestPatternsCompile compiles each pattern of the sources, since the program
// does so only once it needs one.
func TestPatternsCompile(t *testing.T) {
	found := 0
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 || !isPattern(call.Fun) {
				return true
			}
			found++
			if _, err := regexp.Compile(literal(t, call.Args[0])); err != nil {
				t.Errorf("%s: %v", s.set.Position(call.Pos()), err)
			}
			return true
		})
	}
	if found == 0 {
		t.Error("no source has a pattern")
	}
}

// isPattern reports whether a function is Pattern, as the root or another room
// calls it.
func isPattern(function ast.Expr) bool {
	switch f := function.(type) {
	case *ast.Ident:
		return f.Name == "Pattern"
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return ok && x.Name == root && f.Sel.Name == "Pattern"
	}
	return false
}

// literal returns the text of a string expression. What is neither a literal nor
// a sum of them is taken for a word.
func literal(t *testing.T, expr ast.Expr) string {
	switch e := expr.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		return text
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return literal(t, e.X) + literal(t, e.Y)
		}
	}
	return "word"
}
