package sink_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/sink"
	"github.com/ctxpipe/ctxpipe/source"
)

var errDisk = errors.New("disk full")

// full takes some bytes and then fails, in the middle of a write.
type full struct {
	bytes.Buffer
	room int
}

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.room-f.Len())
	f.Buffer.Write(p[:n])
	if n < len(p) {
		return n, errDisk
	}
	return n, nil
}

// fullAt is the same for a destination that can be written anywhere.
type fullAt struct {
	memory
	room int
}

func (f *fullAt) WriteAt(p []byte, off int64) (int, error) {
	n := max(0, min(len(p), f.room-int(off)))
	if _, err := f.memory.WriteAt(p[:n], off); err != nil || n == len(p) {
		return n, err
	}
	return n, errDisk
}

func sampleSave(w *sink.Writer) error {
	for i := range uint32(3) {
		e, err := w.Begin(5, i)
		if err != nil {
			return err
		}
		if err := e.Append(bytes.Repeat([]byte{0xa5}, 13)); err != nil {
			return err
		}
		if err := e.HandOver(bytes.Repeat([]byte{0x5a}, 4000)); err != nil {
			return err
		}
		if err := e.End(); err != nil {
			return err
		}
	}
	return nil
}

// A destination that fails at any byte: the error is found and sticks, what
// got out is a prefix, and no reader takes it for a context.
//
// Proves: DC-24, DC-26.
func TestDestinationFailsAtEveryByte(t *testing.T) {
	whole := destinations(t, sampleSave)["staged"]
	plan, err := sink.DryRun(sampleSave)
	if err != nil {
		t.Fatal(err)
	}
	for room := range whole {
		f := &full{room: room}
		w, _ := sink.NewStaged(f)
		checkFailed(t, "staged", room, w, f.Bytes)
		f = &full{room: room}
		w, _ = sink.NewPlanned(f, plan)
		checkFailed(t, "planned", room, w, f.Bytes)
		if got := f.Bytes(); !bytes.Equal(got, whole[:len(got)]) {
			t.Fatalf("planned, room for %d: what got out is no prefix", room)
		}
		a := &fullAt{room: room}
		w, _ = sink.NewSeekable(a, 0)
		checkFailed(t, "seekable", room, w, func() []byte { return a.b })
	}
}

func checkFailed(t *testing.T, name string, room int, w *sink.Writer, out func() []byte) {
	t.Helper()
	err := sampleSave(w)
	if err == nil {
		err = w.Close()
	}
	if !errors.Is(err, errDisk) {
		t.Fatalf("%s, room for %d: got %v", name, room, err)
	}
	if again := w.Close(); again != err {
		t.Fatalf("%s, room for %d: Close gave %v after %v", name, room, again, err)
	}
	if _, err := source.Verify(bytes.NewReader(out())); err == nil {
		t.Fatalf("%s, room for %d: what got out is taken for a context", name, room)
	}
}

// Proves: DC-28.
func TestNothingOfAnUnfinishedEntryIsStagedOut(t *testing.T) {
	var out counted
	w, err := sink.NewStaged(&out)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Entry(5, 0, []byte("complete")); err != nil {
		t.Fatal(err)
	}
	before := out.Len()
	e := begin(t, w, 5, 1)
	if err := errors.Join(e.Append(make([]byte, 1<<20)), e.HandOver(make([]byte, 1<<20))); err != nil {
		t.Fatal(err)
	}
	if out.Len() != before {
		t.Errorf("%d bytes of an open entry got out", out.Len()-before)
	}
	w.Abort()
	if out.Len() != before {
		t.Errorf("%d bytes of a failed entry got out", out.Len()-before)
	}
}

// Whatever moment a writer is killed at, what stands on a seekable destination
// is refused: the open entry carries the unfinished mark.
//
// Proves: DC-26, DC-27.
func TestUnfinishedEntryIsMarked(t *testing.T) {
	for _, l := range []frame.Layout{frame.Compact, frame.Wide} {
		var m memory
		w, err := sink.NewSeekable(&m, 0, sink.WithLayout(l))
		if err != nil {
			t.Fatal(err)
		}
		e := begin(t, w, 5, 1)
		// A body that would parse as END if the length were 0.
		if err := e.Append(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		refusedAsUnfinished(t, m.b)
		w.Abort() // this destination cannot be cut: the mark stays
		refusedAsUnfinished(t, m.b)
	}
}

func refusedAsUnfinished(t *testing.T, b []byte) {
	t.Helper()
	r, err := source.NewReader(bytes.NewReader(b), source.WithMaxEntry(1<<63))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, frame.ErrTooLarge) || !strings.Contains(err.Error(), "never finished") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// Proves: DC-27.
func TestFailedEntryIsCutOffAFile(t *testing.T) {
	for name, tail := range map[string]string{"at its end": "", "in its middle": strings.Repeat("the caller's", 100_000)} {
		f, err := os.Create(filepath.Join(t.TempDir(), "context"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		f.WriteString(tail)
		w, err := sink.NewSeekable(f, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Entry(5, 0, []byte("complete")); err != nil {
			t.Fatal(err)
		}
		size := w.Size()
		e := begin(t, w, 5, 1)
		if err := e.Append(make([]byte, 200_000)); err != nil {
			t.Fatal(err)
		}
		if _, err := e.ReadFrom(iotest.ErrReader(errDisk)); !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		want := size
		if tail != "" {
			want = int64(len(tail)) // not ours to cut
		}
		if info.Size() != want {
			t.Errorf("%s: the file has %d bytes, want %d", name, info.Size(), want)
		}
		if w.Size() != size {
			t.Errorf("%s: Size counts the failed entry", name)
		}
	}
}

// Proves: DC-29.
func TestDeparturesFromThePlan(t *testing.T) {
	plan, err := sink.DryRun(func(w *sink.Writer) error {
		return errors.Join(w.Entry(5, 0, make([]byte, 100)), w.Entry(6, 3, make([]byte, 100_000)))
	})
	if err != nil {
		t.Fatal(err)
	}
	first := func(w *sink.Writer) error { return w.Entry(5, 0, make([]byte, 100)) }
	for name, c := range map[string]struct {
		most int // bytes that may have left
		do   func(w *sink.Writer) error
	}{
		"too long":         {24 + 8, func(w *sink.Writer) error { return w.Entry(5, 0, make([]byte, 101)) }},
		"too short":        {24 + 8 + 99, func(w *sink.Writer) error { return w.Entry(5, 0, make([]byte, 99)) }},
		"reader too long":  {24 + 8 + 100, func(w *sink.Writer) error { return from(w, 5, 101) }},
		"reader too short": {24 + 8 + 99, func(w *sink.Writer) error { return from(w, 5, 99) }},
		"other type":       {24, func(w *sink.Writer) error { return w.Entry(4, 0, make([]byte, 100)) }},
		"other instance":   {24, func(w *sink.Writer) error { return w.Entry(5, 1, make([]byte, 100)) }},
		"missing entries":  {24 + 112, func(w *sink.Writer) error { return errors.Join(first(w), w.Close()) }},
		"nothing at all":   {24, func(w *sink.Writer) error { return w.Close() }},
		"one entry more": {24 + 112 + 8 + 100_000, func(w *sink.Writer) error {
			return errors.Join(first(w), w.Entry(6, 3, make([]byte, 100_000)), w.Entry(7, 0, nil))
		}},
		"large too long": {24 + 112 + 8 + 99_999, func(w *sink.Writer) error {
			if err := first(w); err != nil {
				return err
			}
			e, err := w.Begin(6, 3)
			return errors.Join(err, e.Append(make([]byte, 99_999)), e.Append(make([]byte, 2)))
		}},
	} {
		var out bytes.Buffer
		w, err := sink.NewPlanned(&out, plan)
		if err != nil {
			t.Fatal(err)
		}
		err = c.do(w)
		if !errors.Is(err, frame.ErrMisuse) || !strings.Contains(err.Error(), string(frame.RulePlan)) {
			t.Errorf("%s: got %v", name, err)
		}
		if w.Close() == nil {
			t.Errorf("%s: closed after a departure", name)
		}
		if out.Len() > c.most {
			t.Errorf("%s: %d bytes left, at most %d may", name, out.Len(), c.most)
		}
	}
}

func from(w *sink.Writer, typ frame.Type, n int) error {
	e, err := w.Begin(typ, 0)
	if err != nil {
		return err
	}
	_, err = e.ReadFrom(bytes.NewReader(make([]byte, n)))
	return errors.Join(err, e.End())
}

func TestHoldLimit(t *testing.T) {
	for name, add := range ways {
		for _, limit := range []int{1000, 100_000} {
			for _, over := range []int{0, 1} {
				checkHoldLimit(t, name, add, limit, over)
			}
		}
	}
}

func checkHoldLimit(t *testing.T, name string, add func(sink.Entry, []byte) error, limit, over int) {
	t.Helper()
	w, err := sink.NewStaged(io.Discard, sink.WithHoldLimit(uint64(limit)))
	if err != nil {
		t.Fatal(err)
	}
	e := begin(t, w, 5, 0)
	err = add(e, make([]byte, limit-frame.CompactDescriptorSize+over))
	if (err == nil) != (over == 0) {
		t.Errorf("%s, %d over %d: %v", name, over, limit, err)
	}
	if over > 0 && (!errors.Is(err, frame.ErrTooLarge) || !strings.Contains(err.Error(), "planned")) {
		t.Errorf("%s: %v does not name the way out", name, err)
	}
}

func TestReaderThatFails(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"at once": iotest.ErrReader(errDisk),
		"later":   io.MultiReader(bytes.NewReader(make([]byte, 100_000)), iotest.ErrReader(errDisk)),
		"timeout": iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("abc"))),
	} {
		var out bytes.Buffer
		w, err := sink.NewStaged(&out)
		if err != nil {
			t.Fatal(err)
		}
		_, err = begin(t, w, 5, 0).ReadFrom(r)
		if !errors.Is(err, errDisk) && !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("%s: %v", name, err)
		}
		if w.Close() == nil {
			t.Errorf("%s: closed all the same", name)
		}
	}
}

// stubborn neither gives bytes nor an error.
type stubborn struct{}

func (stubborn) Read([]byte) (int, error) { return 0, nil }

func TestReaderWithoutProgress(t *testing.T) {
	w, err := sink.NewStaged(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := begin(t, w, 5, 0).ReadFrom(stubborn{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v", err)
	}
}

// guest counts pauses and can refuse them.
type guest struct {
	paused, pauses int
	current        bool
	unpauseErr     error
}

func (g *guest) Current() bool  { return g.current }
func (g *guest) Pause() error   { g.paused++; g.pauses++; return nil }
func (g *guest) Unpause() error { g.paused--; return g.unpauseErr }

// Proves: DC-2, DC-3, DC-24, DC-25.
func TestRegistryFailures(t *testing.T) {
	good := func(w *sink.Writer) error { return w.Entry(5, 0, []byte("five")) }
	for name, c := range map[string]struct {
		save   sink.SaveFunc // of type 6
		dom    guest
		cancel bool
		want   error
	}{
		"handler fails":         {save: func(*sink.Writer) error { return errDisk }, want: errDisk},
		"handler leaves open":   {save: func(w *sink.Writer) error { _, err := w.Begin(6, 0); return err }, want: frame.ErrMisuse},
		"handler of other type": {save: func(w *sink.Writer) error { return w.Entry(7, 0, nil) }, want: frame.ErrMisuse},
		"handler closes":        {save: func(w *sink.Writer) error { return w.Close() }, want: frame.ErrMisuse},
		"handler hides":         {save: func(w *sink.Writer) error { w.Entry(7, 0, nil); return nil }, want: frame.ErrMisuse},
		"unpause fails":         {save: func(w *sink.Writer) error { return nil }, dom: guest{unpauseErr: errDisk}, want: errDisk},
		"own domain":            {save: func(w *sink.Writer) error { return nil }, dom: guest{current: true}, want: frame.ErrMisuse},
		"cancelled":             {save: func(w *sink.Writer) error { return nil }, cancel: true, want: context.Canceled},
	} {
		var reg sink.Registry
		late := func(*sink.Writer) error {
			if strings.HasPrefix(name, "handler") {
				t.Errorf("%s: and the next one ran", name)
			}
			return nil
		}
		if err := errors.Join(reg.Register(6, "SIX", c.save), reg.Register(5, "FIVE", good), reg.Register(7, "SEVEN", late)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		if c.cancel {
			cancel()
		}
		var out bytes.Buffer
		w, err := sink.NewStaged(&out)
		if err != nil {
			t.Fatal(err)
		}
		dom := c.dom
		errSave := reg.Save(ctx, &dom, w)
		var piped bytes.Buffer
		errTo := reg.SaveTo(ctx, &dom, &piped)
		_, errDry := reg.DryRun(ctx, &dom)
		for how, err := range map[string]error{"Save": errSave, "SaveTo": errTo, "DryRun": errDry} {
			if !errors.Is(err, c.want) {
				t.Errorf("%s, %s: got %v", name, how, err)
			}
			if strings.HasPrefix(name, "handler") && !strings.Contains(err.Error(), "type 6 SIX") {
				t.Errorf("%s, %s: %v does not name the handler", name, how, err)
			}
		}
		if dom.paused != 0 || dom.current && dom.pauses > 0 {
			t.Errorf("%s: paused %d of %d", name, dom.paused, dom.pauses)
		}
		noEnd(t, out.Bytes())
		noEnd(t, piped.Bytes())
		if w.Close() == nil {
			t.Errorf("%s: closed all the same", name)
		}
		cancel()
	}
}

// A handler whose second run differs from its dry run is found out.
//
// Proves: DC-29.
func TestHandlerThatChangesItsMind(t *testing.T) {
	n := 100
	var reg sink.Registry
	if err := reg.Register(5, "FIVE", func(w *sink.Writer) error { n++; return w.Entry(5, 0, make([]byte, n)) }); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := reg.SaveTo(context.Background(), nil, &out); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("got %v", err)
	}
}
