package xio

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// stutter gives nothing, without an error, a number of times before each read.
type stutter struct {
	r     io.Reader
	idle  int
	count int
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.count < s.idle {
		s.count++
		return 0, nil
	}
	s.count = 0
	return s.r.Read(p)
}

// liar claims to have read that many bytes.
type liar int

func (l liar) Read([]byte) (int, error) { return int(l), nil }

func TestReadSome(t *testing.T) {
	p := make([]byte, 8)
	if n, err := ReadSome(&stutter{r: strings.NewReader("abc"), idle: 99}, p); n != 3 || err != nil {
		t.Errorf("patient: %d, %v", n, err)
	}
	if n, err := ReadSome(&stutter{r: strings.NewReader("abc"), idle: 100}, p); n != 0 || err != io.ErrNoProgress {
		t.Errorf("given up: %d, %v", n, err)
	}
	if n, err := ReadSome(iotest.DataErrReader(strings.NewReader("abc")), p); n != 3 || err != io.EOF {
		t.Errorf("together: %d, %v", n, err)
	}
	for _, n := range []int{-1, 9} {
		if got, err := ReadSome(liar(n), p); got != 0 || err == nil {
			t.Errorf("a count of %d: %d, %v", n, got, err)
		}
	}
	failure := errors.New("disk")
	if n, err := ReadSome(iotest.ErrReader(failure), p); n != 0 || err != failure {
		t.Errorf("failure: %d, %v", n, err)
	}
}
