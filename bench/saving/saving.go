// Package saving saves one domain context in every way there is, for the price of
// each to be told: with all of it in one buffer first, as one does who has
// no framework, and by the three destinations of package sink. Beside them stand
// plain writes of as many bytes, which nothing can beat.
package saving

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/bench/proc"
	"github.com/ctxpipe/ctxpipe/bench/result"
	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/guestmem"
	"github.com/ctxpipe/ctxpipe/sink"
)

// bodyType is the type of the large entry.
const bodyType frame.Type = 0x100

// piece is how much of the state a saver has at hand at a time.
const piece = 64 << 10

// Way is a way to save.
type Way struct {
	Name   string
	ToFile bool // it needs to go back, or is compared with one that does
	save   func(out *os.File, s state) error
}

// The names of the ways that others are held against.
const (
	PlainPipe = "plain writes to a pipe"
	PlainFile = "plain writes to a file"
	Buffered  = "bytes.Buffer, then one write"
	Planned   = "planned"
)

// Ways gives all of them.
func Ways() []Way {
	return []Way{
		{PlainPipe, false, plain},
		{Buffered, false, buffered},
		{"staged", false, staged},
		{Planned, false, planned},
		{PlainFile, true, plain},
		{"seekable", true, seekable},
	}
}

// Save saves a context of that many bytes to out, in the way of that
// name, and tells what the process has taken for it. A small one is saved several times
// over, so that what the first costs more does not hide what each costs; a file holds the
// last.
func Save(name string, size int64, out *os.File) (result.SaveSample, error) {
	for _, w := range Ways() {
		if w.Name == name {
			return w.measured(size, out)
		}
	}
	return result.SaveSample{}, errors.Errorf("no way to save has the name %q", name)
}

// Check says whether there is a context of that size to save.
func Check(size int64) error {
	_, err := newState(size)
	return err
}

func (w Way) measured(size int64, out *os.File) (result.SaveSample, error) {
	s, err := newState(size)
	if err != nil {
		return result.SaveSample{}, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, began := proc.Spent(), time.Now()
	n := times(size)
	for range n {
		if err := w.once(out, s); err != nil {
			return result.SaveSample{}, err
		}
	}
	sample := result.SaveSample{
		Wall: time.Since(began).Seconds() / float64(n), CPU: (proc.Spent() - cpu) / float64(n), Peak: proc.PeakOf("self"),
	}
	runtime.ReadMemStats(&after)
	sample.Allocs = int64(after.Mallocs-before.Mallocs) / n
	sample.Allocated = int64(after.TotalAlloc-before.TotalAlloc) / n
	return sample, nil
}

// times gives how often a context of that size is saved.
func times(size int64) int64 { return min(max(1, 64<<20/size), 1000) }

func (w Way) once(out *os.File, s state) error {
	if w.ToFile {
		if _, err := out.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	return w.save(out, s)
}

// state is what is saved.
type state struct {
	tsc   frame.TSCInfo
	piece []byte // that the body is made of, over and over
	body  int64
	size  int64 // of the whole context
}

// newState gives the state whose context has that size, from its first byte to its last, which is a multiple
// of eight. It fails if there is no such context.
func newState(size int64) (state, error) {
	s := state{tsc: frame.TSCInfo{KHz: 2_400_000, Nanoseconds: 1e12, Incarnation: 1}, piece: make([]byte, piece), size: size}
	guestmem.Fill(s.piece, 1, 0)
	empty, err := sink.DryRun(s.save, options...)
	if err != nil {
		return s, err
	}
	if s.body = size - empty.Size(); s.body < 0 || size%frame.Alignment != 0 {
		return s, errors.Errorf("no context has %d bytes", size)
	}
	return s, nil
}

// each gives so many bytes, piece by piece.
func (s state) each(left int64, do func(p []byte) error) error {
	for ; left > 0; left -= piece {
		if err := do(s.piece[:min(left, piece)]); err != nil {
			return err
		}
	}
	return nil
}

// save is the same for every destination of package sink.
func (s state) save(w *sink.Writer) error {
	if err := w.Entry(frame.TSCInfoType, 0, s.tsc.Append(nil, w.Layout())); err != nil {
		return err
	}
	e, err := w.Begin(bodyType, 0)
	if err != nil {
		return err
	}
	if w.Dry() {
		err = e.Count(uint64(s.body))
	} else {
		err = s.each(s.body, e.Append)
	}
	if err != nil {
		return err
	}
	return e.End()
}

// options are those of every context here.
var options = []sink.Option{sink.WithLayout(frame.Wide), sink.WithXen(frame.XenVersion{Major: 4, Minor: 20})}

func (s state) saveAndClose(w *sink.Writer, err error) error {
	if err != nil {
		return err
	}
	if err := s.save(w); err != nil {
		return err
	}
	return w.Close()
}

// plain writes as many bytes as the context has, and nothing else.
func plain(out *os.File, s state) error {
	return s.each(s.size, func(p []byte) error { _, err := out.Write(p); return err })
}

// buffered makes the whole context in memory, with lengths that are filled in
// where they are known, and writes it then.
func buffered(out *os.File, s state) error {
	var b bytes.Buffer
	if err := s.build(&b); err != nil {
		return err
	}
	_, err := b.WriteTo(out)
	return err
}

func (s state) build(b *bytes.Buffer) error {
	head, err := frame.Header{Layout: frame.Wide, Xen: frame.XenVersion{Major: 4, Minor: 20}}.Append(nil)
	if err != nil {
		return err
	}
	b.Write(head)
	tsc := func() error { b.Write(s.tsc.Append(nil, frame.Wide)); return nil }
	body := func() error { return s.each(s.body, func(p []byte) error { b.Write(p); return nil }) }
	for _, e := range []struct {
		t    frame.Type
		body func() error
	}{{frame.TSCInfoType, tsc}, {bodyType, body}, {frame.End, func() error { return nil }}} {
		if err := addEntry(b, e.t, e.body); err != nil {
			return err
		}
	}
	return nil
}

func addEntry(b *bytes.Buffer, t frame.Type, body func() error) error {
	at := b.Len()
	d := frame.Descriptor{Type: t}
	empty, err := d.Append(nil, frame.Wide)
	if err != nil {
		return err
	}
	b.Write(empty)
	if err := body(); err != nil {
		return err
	}
	d.Length = uint64(b.Len() - at - len(empty))
	if err := d.Put(b.Bytes()[at:], frame.Wide); err != nil {
		return err
	}
	b.Write(make([]byte, frame.Padding(d.Length)))
	return nil
}

func staged(out *os.File, s state) error {
	return s.saveAndClose(sink.NewStaged(out, append(options, sink.WithHoldLimit(uint64(s.body)+piece))...))
}

func planned(out *os.File, s state) error {
	plan, err := sink.DryRun(s.save, options...)
	if err != nil {
		return err
	}
	return s.saveAndClose(sink.NewPlanned(out, plan))
}

func seekable(out *os.File, s state) error {
	return s.saveAndClose(sink.NewSeekable(out, 0, options...))
}
