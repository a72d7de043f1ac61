package vecio

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// pieces gives n slices of rising length, empty ones among them, and their
// concatenation.
func pieces(n int) (bufs [][]byte, whole []byte) {
	for i := range n {
		b := bytes.Repeat([]byte{byte(i)}, i%97)
		bufs = append(bufs, b)
		whole = append(whole, b...)
	}
	return bufs, whole
}

func TestWriteVecGivesAllBytesInOrder(t *testing.T) {
	for _, n := range []int{1, 2, 3, 1023, 1024, 1025, 5000} {
		bufs, want := pieces(n)
		var got bytes.Buffer
		if wrote, err := NewWriter(&got).WriteVec(bufs); err != nil || wrote != int64(len(want)) {
			t.Fatalf("%d slices to a buffer: %d bytes, %v", n, wrote, err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Fatalf("%d slices to a buffer: bytes differ", n)
		}

		name := filepath.Join(t.TempDir(), "out")
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		bufs, _ = pieces(n)
		if wrote, err := NewWriter(f).WriteVec(bufs); err != nil || wrote != int64(len(want)) {
			t.Fatalf("%d slices to a file: %d bytes, %v", n, wrote, err)
		}
		f.Close()
		if b, _ := os.ReadFile(name); !bytes.Equal(b, want) {
			t.Fatalf("%d slices to a file: bytes differ", n)
		}
	}
}

// A pipe takes 64 KiB at a time, so that these writes are cut in the middle of
// slices and have to wait for the reader.
func TestWriteVecThroughFullPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	bufs := [][]byte{bytes.Repeat([]byte{1}, 100_001), nil, bytes.Repeat([]byte{2}, 300_000), {3}}
	want := bytes.Join(bufs, nil)
	done := make(chan error, 1)
	go func() {
		_, err := NewWriter(w).WriteVec(bufs)
		w.Close()
		done <- err
	}()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("bytes differ")
	}
}

func TestWriteVecToClosedPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	if _, err := NewWriter(w).WriteVec([][]byte{{1}, {2}}); err == nil {
		t.Fatal("no error from a pipe nobody reads")
	}
	w.Close()
	if _, err := NewWriter(w).WriteVec([][]byte{{1}, {2}}); err == nil {
		t.Fatal("no error from a closed file")
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) / 2, nil }

func TestShortWriteIsAnError(t *testing.T) {
	if _, err := NewWriter(shortWriter{}).WriteVec([][]byte{{1, 2, 3, 4}}); !errors.Is(err, io.ErrShortWrite) {
		t.Fatalf("got %v, want io.ErrShortWrite", err)
	}
}

// limited takes n bytes and then nothing, without saying why.
type limited struct{ n int }

func (l *limited) Write(p []byte) (int, error) {
	n := min(l.n, len(p))
	l.n -= n
	return n, nil
}

// Nothing is written behind what was not taken.
func TestNothingFollowsAShortWrite(t *testing.T) {
	for n := range 6 {
		w := &limited{n}
		got, err := NewWriter(w).WriteVec([][]byte{{1, 2}, {}, {3}, {4, 5, 6}})
		if got != int64(n) || !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%d taken: %d bytes, %v", n, got, err)
		}
	}
}

func TestWriteVecToSocket(t *testing.T) {
	c, s := net.Pipe()
	defer s.Close()
	go func() {
		NewWriter(c).WriteVec([][]byte{[]byte("ab"), []byte("cd")})
		c.Close()
	}()
	if got, _ := io.ReadAll(s); string(got) != "abcd" {
		t.Fatalf("got %q", got)
	}
}

// nowhere is a file that takes everything.
func nowhere(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestWriteVecAllocatesNothing(t *testing.T) {
	w := NewWriter(nowhere(t))
	a, b := make([]byte, 8), make([]byte, 4096)
	vec := make([][]byte, 2)
	if n := testing.AllocsPerRun(100, func() {
		vec[0], vec[1] = a, b
		if _, err := w.WriteVec(vec); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Fatalf("%v allocations per write, want 0", n)
	}
}
