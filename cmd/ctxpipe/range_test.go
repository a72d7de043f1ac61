package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/pipe"
)

func TestByteRange(t *testing.T) {
	for text, want := range map[string]byteRange{
		"0:0": {off: 0, len: 0}, "1K:2M": {off: 1 << 10, len: 2 << 20}, "3GiB:": {off: 3 << 30, len: -1}, "7": {off: 7, len: -1},
	} {
		var r byteRange
		want.text = text
		if err := r.Set(text); err != nil || r != want {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
	}
	for _, text := range []string{"", ":", ":1", "-1:1", "1:-1", "1:1:1", "1K2:", "9999999T:", "a"} {
		var r byteRange
		if err := r.Set(text); err == nil || r != (byteRange{}) {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
	}
}

// Whoever restores a range is told that the rest was not verified, unless they
// want no words.
//
// Proves: TR-100
func TestRangeSaysWhatItChecked(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "stream")
	var b bytes.Buffer
	c, err := pipe.NewCompressor(&b)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "state of a guest")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for _, quiet := range []bool{false, true} {
		said, err := os.Create(filepath.Join(dir, "said"))
		if err != nil {
			t.Fatal(err)
		}
		stderr := os.Stderr
		os.Stderr = said
		_, err = restoreRange(name, in, said, byteRange{text: "9:", off: 9, len: -1}, nil, quiet, newJob())
		os.Stderr = stderr
		said.Close()
		got, _ := os.ReadFile(said.Name())
		words := strings.Contains(string(got), "only the frames of this range were checked")
		if err != nil || !strings.HasPrefix(string(got), "a guest") || words == quiet {
			t.Errorf("quiet %v: %q, %v", quiet, got, err)
		}
	}
}
