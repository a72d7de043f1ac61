package vecio

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What nobody has read yet is known of pipes and connections, and of nothing else.
func TestQueued(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	v := NewWriter(w)
	content := bytes.Repeat([]byte("content "), 1000)
	for _, step := range []struct{ write, read, want int }{{0, 0, 0}, {8000, 0, 8000}, {100, 3000, 5100}, {0, 5100, 0}} {
		if _, err := v.WriteVec([][]byte{content[:step.write/2], content[:step.write-step.write/2]}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, make([]byte, step.read)); err != nil {
			t.Fatal(err)
		}
		if got := v.Queued(); got != step.want {
			t.Errorf("%+v: %d bytes wait", step, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { v.Queued() }); n > 0 {
		t.Errorf("%v allocations", n)
	}

	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b bytes.Buffer
	for _, dst := range []io.Writer{f, &b} {
		v := NewWriter(dst)
		if _, err := v.WriteVec([][]byte{content, content}); err != nil || v.Queued() != 0 {
			t.Errorf("%T: %d bytes wait, %v", dst, v.Queued(), err)
		}
	}
}

func TestQueuedBehindAConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	v := NewWriter(near)
	// Nobody reads, so that at last something has to wait.
	near.SetWriteDeadline(time.Now().Add(10 * time.Second))
	for v.Queued() == 0 {
		if _, err := v.WriteVec([][]byte{make([]byte, 32<<10), make([]byte, 32<<10)}); err != nil {
			t.Fatal(err)
		}
	}
	near.Close()
	if n := v.Queued(); n != 0 {
		t.Errorf("%d bytes wait behind a closed connection", n)
	}
}
