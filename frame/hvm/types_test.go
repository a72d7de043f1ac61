package hvm_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame/hvm"
)

// specRow puts what is known of a type into the words of the specification's table.
func specRow(code int, i hvm.Info) string {
	size, shorter, older, instance := fmt.Sprint(i.Size), "no", "", "0"
	switch {
	case i.Variable && i.Size == 8+16:
		size, shorter = "8 + 16 n, n from 1", ""
	case i.Variable:
		size, shorter = fmt.Sprintf("from %d", i.Size), ""
	case i.Size == 0:
		shorter = ""
	case i.ZeroExtended && i.Shorter == nil:
		shorter, older = "zeros", "any multiple of 8"
	case i.ZeroExtended:
		shorter, older = "zeros", strings.ReplaceAll(strings.Trim(fmt.Sprint(i.Shorter), "[]"), " ", ", ")
	}
	switch {
	case i.PerVCPU && i.Instances == 0:
		instance = "vCPU"
	case i.Instances == 2:
		instance = "0 master, 1 slave"
	case i.Instances != 1:
		instance = fmt.Sprint("below ", i.Instances)
	}
	return strings.ReplaceAll(fmt.Sprintf("| %d | %s | %s | %s | %s | %s |", code, i.Name, size, shorter, older, instance), "|  ", "| ")
}

// The table of types is the specification's, row by row.
//
// Proves: HV-20, HV-21, HV-22.
func TestTypesAreThoseOfTheSpecification(t *testing.T) {
	text, err := os.ReadFile("../../docs/spec/hvm-context.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## 5 Types\n")
	section, _, _ = strings.Cut(section, "\n### ")
	want := regexp.MustCompile(`(?m)^\| \d+ \|.*$`).FindAllString(section, -1)
	var got []string
	for code := 0; ; code++ {
		info, known := hvm.Lookup(hvm.Type(code))
		if !known {
			break
		}
		got = append(got, specRow(code, info))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-specification +code):\n%s", diff)
	}
}
