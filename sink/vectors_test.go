package sink_test

import (
	"bytes"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/sink"
)

// How the body of an entry is given to the Writer must not matter.
var ways = map[string]func(e sink.Entry, body []byte) error{
	"at once":   func(e sink.Entry, body []byte) error { return e.Append(body) },
	"handed":    func(e sink.Entry, body []byte) error { return e.HandOver(body) },
	"read from": func(e sink.Entry, body []byte) error { _, err := e.ReadFrom(bytes.NewReader(body)); return err },
	"by threes": func(e sink.Entry, body []byte) error {
		for len(body) > 0 {
			n := min(3, len(body))
			if _, err := e.Write(body[:n]); err != nil {
				return err
			}
			body = body[n:]
		}
		return nil
	},
	"mixed": func(e sink.Entry, body []byte) error {
		third := len(body) / 3
		if err := e.Append(body[:third]); err != nil {
			return err
		}
		if err := e.HandOver(body[third : 2*third]); err != nil {
			return err
		}
		return e.Append(body[2*third:])
	},
}

// What the reference wrote is written again from its entries, on every
// destination and in every way, and comes out byte for byte. In the compact
// layout that is done from the bodies as they are on the wire, and from those
// that the reference's saver was given, so that the padding is ours.
//
// Proves: DC-1, DC-6, DC-12, DC-26.
func TestVectorsAreWrittenAgain(t *testing.T) {
	contexts := 0
	for _, s := range vectest.Sets(t) {
		for _, v := range s.Vectors {
			if !v.Valid() {
				continue
			}
			want := v.Bytes(t)
			opts := []sink.Option{
				sink.WithLayout(s.Layout), sink.WithXen(frame.XenVersion{Major: 4, Minor: 15}), sink.WithRepeats(),
			}
			for how, add := range ways {
				if v.Size > 1<<20 && how == "by threes" {
					continue
				}
				for _, padded := range []bool{true, false} {
					save := func(w *sink.Writer) error { return saveAgain(w, v, want, padded, add) }
					for dst, got := range destinations(t, save, opts...) {
						contexts++
						if !bytes.Equal(got, want) {
							t.Errorf("%v/%s, %s, padded=%v: %s differs", s.Layout, v.Name, how, padded, dst)
						}
					}
				}
			}
		}
	}
	t.Logf("%d contexts written", contexts)
}

// saveAgain writes the entries of a vector.
func saveAgain(w *sink.Writer, v vectest.Vector, context []byte, padded bool, add func(sink.Entry, []byte) error) error {
	for _, ve := range v.Entries {
		d := ve.Descriptor()
		if d.Type.Reserved() {
			continue
		}
		length := d.Length
		if !padded && ve.DataLength != nil {
			length = *ve.DataLength
		}
		from := ve.Offset + w.Layout().DescriptorSize()
		e, err := w.Begin(d.Type, d.Instance)
		if err != nil {
			return err
		}
		if err := add(e, context[from:from+int(length)]); err != nil {
			return err
		}
		if e.Len() != length && !w.Dry() {
			return frame.ErrMisuse
		}
		if err := e.End(); err != nil {
			return err
		}
	}
	return nil
}
