package main

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// foreign compresses b as some other program would: one frame, its content
// size unknown when it began.
func foreign(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
