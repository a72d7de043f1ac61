package saving

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/ctxpipe/ctxpipe/bench/proc"
	"github.com/ctxpipe/ctxpipe/source"
)

// once saves once in some way, and gives what arrived.
func once(t *testing.T, w Way, size int64) []byte {
	t.Helper()
	out, err := proc.Scratch()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s, err := newState(size)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.once(out, s); err != nil {
		t.Fatalf("%s: %v", w.Name, err)
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// All ways but the plain one save the same context, which is a good one.
func TestSameContext(t *testing.T) {
	for _, size := range []int64{1 << 10, piece - 8, piece, 3*piece + 104} {
		var first []byte
		for _, w := range Ways() {
			got := once(t, w, size)
			switch {
			case int64(len(got)) != size:
				t.Errorf("%s of %d: %d bytes", w.Name, size, len(got))
			case w.Name == PlainPipe || w.Name == PlainFile:
			case first == nil:
				first = got
				if _, err := source.Verify(bytes.NewReader(got)); err != nil {
					t.Errorf("%s of %d: %v", w.Name, size, err)
				}
			case !bytes.Equal(got, first):
				t.Errorf("%s of %d: another context", w.Name, size)
			}
		}
	}
}

func TestSaveTellsWhatItTook(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	held, err := Save(Buffered, 8<<20, null)
	if err != nil || held.Allocated < 8<<20 || held.Wall <= 0 {
		t.Errorf("%+v, %v", held, err)
	}
	if through, err := Save(Planned, 8<<20, null); err != nil || through.Allocated > 1<<20 || through.Allocs < 1 {
		t.Errorf("%+v, %v", through, err)
	}
	if _, err := Save("by magic", 1<<10, null); err == nil {
		t.Error("an unknown way saves")
	}
	for _, size := range []int64{0, 8, 1<<20 + 1} {
		if _, err := Save(Planned, size, null); err == nil {
			t.Errorf("a context of %d bytes is saved", size)
		}
	}
}
