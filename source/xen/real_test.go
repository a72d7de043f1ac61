package xen_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// count makes the facts of a stream out of the walker's events.
func count(tb testing.TB, b []byte) vectest.Facts {
	tb.Helper()
	f := vectest.Facts{Bytes: int64(len(b)), HVMEntries: [][3]int{}}
	f.Libxl.Records, f.Libxc.Records = map[string]int{}, map[string]int{}
	pages := &f.Libxc.Pages
	pages.ByType = map[string]int{}
	seen := map[uint64]bool{}
	var last uint64
	var page []byte
	v := xen.Visitor{
		Config: func(_ int64, d xen.Domain, _ []byte) { f.Domain.Name, f.Domain.Type = d.Name, d.Type },
		Libxc: func(_ int64, i libxc.ImageHeader, d libxc.DomainHeader) {
			f.Libxc.Version, f.Libxc.Guest = i.Version, d.Guest.String()
		},
		Record: func(r xen.Record) {
			if r.Layer == libxl.Layer {
				f.Libxl.Records[r.Name]++
			} else {
				f.Libxc.Records[r.Name]++
			}
		},
		Entries: func(_ xen.Record, first int, es libxc.Entries) {
			pages.Entries += es.Len()
			for i := range es.Len() {
				e := es.At(i)
				if first+i == 0 && (pages.Passes == 0 || e.PFN() <= last) {
					pages.Passes++
				}
				last = e.PFN()
				pages.ByType[e.Type().String()]++
				if e.Type().HasData() {
					seen[e.PFN()] = true
				}
			}
		},
		Pages: func(g xen.Grid) { pages.Total += g.Pages },
		PageData: func(p xen.PagePiece) {
			page = append(page[:p.At], p.Data...)
			if len(page) == libxc.PageSize && frame.IsZero(page) {
				pages.Zero++
			}
			if !bytes.Equal(p.Data, b[p.Offset+int64(p.At):][:len(p.Data)]) {
				tb.Fatalf("the page at %d is another", p.Offset)
			}
		},
		HVMEntry: func(e hvm.Entry) {
			f.HVMEntries = append(f.HVMEntries, [3]int{int(e.Type), int(e.Instance), int(e.Length)})
		},
	}
	w, err := walk(tb, b, 1<<20+13, xen.WithStrictness(xen.Verify), xen.WithVisitor(v))
	if err != nil {
		tb.Fatal(err)
	}
	pages.UniquePFNs = len(seen)
	f.Kind = w.Kind().String()
	_, f.Trailing = w.Trailing()
	return f
}

// Real streams verify, and hold what another parser counted in them. With
// CTXPIPE_STREAMS=DIR, so do all streams of that directory.
func TestRealStreams(t *testing.T) {
	streams := vectest.Streams(t)
	if dir := os.Getenv("CTXPIPE_STREAMS"); dir != "" {
		streams = append(streams, vectest.StreamsIn(t, dir)...)
	}
	for _, s := range streams {
		want := s.Facts
		want.SHA256 = ""
		if diff := cmp.Diff(want, count(t, s.Bytes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.Name, diff)
		}
	}
}

// What is taken apart goes together to the same bytes.
//
// Proves: XS-1.
func TestRealStreamsReencode(t *testing.T) {
	for _, s := range vectest.Streams(t) {
		if !bytes.Equal(takeApart(t, s.Bytes).bytes(), s.Bytes) {
			t.Errorf("%s does not re-encode to the same bytes", s.Name)
		}
	}
}

// The points that matter to who moves a stream, and what may be let out.
//
// Proves: XS-8, XS-9.
func TestPointsAndSafe(t *testing.T) {
	streams := vectest.Streams(t)
	for name, p := range made() {
		s := vectest.Stream{Name: name, Bytes: p.bytes()}
		streams = append(streams, s)
	}
	for _, s := range streams {
		p := takeApart(t, s.Bytes)
		libxlStart := int64(xl.HeaderSize + len(p.data))
		libxcStart := libxlStart + libxl.HeaderSize + libxl.RecordHeaderSize
		end := libxcStart + int64(len(p.libxc(nil))) - libxc.RecordHeaderSize
		complete := int64(len(s.Bytes) - len(p.tail))
		points := map[xen.Point]int64{}
		w, err := xen.New(xen.WithVisitor(xen.Visitor{Point: func(p xen.Point, at int64) { points[p] = at }}))
		for i := int64(0); i < int64(len(s.Bytes)) && err == nil; {
			n := int64(1)
			if i > libxcStart+100 && i < end-100 {
				n = min(997, end-100-i)
			}
			_, err = w.Write(s.Bytes[i : i+n])
			i += n
			switch safe := w.Safe(); {
			case i < libxcStart && safe > libxlStart:
				t.Fatalf("%s: %d of %d bytes are let out before libxc begins", s.Name, safe, i)
			case safe > end:
				t.Fatalf("%s: %d bytes are let out, libxc END begins at %d", s.Name, safe, end)
			case safe < min(i-47, libxlStart), i >= libxcStart && safe < min(i-47, end):
				t.Fatalf("%s: %d bytes are held of %d", s.Name, i-safe, i)
			}
		}
		if err != nil || w.Close() != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		want := map[xen.Point]int64{xen.LibxcEnd: end, xen.LibxlEnd: complete - libxl.RecordHeaderSize, xen.Complete: complete}
		if diff := cmp.Diff(want, points); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.Name, diff)
		}
	}
}

// A context by itself is let out up to its END.
//
// Proves: XS-8.
func TestSafeOfContexts(t *testing.T) {
	for name, c := range map[string]struct {
		b   []byte
		end int
	}{
		"wide": {domainContext(frame.Wide), 16}, "compact": {domainContext(frame.Compact), 8}, "hvm": {hvmContext(), 8},
	} {
		end := int64(len(c.b) - c.end)
		w, _ := xen.New()
		for i := range c.b {
			if _, err := w.Write(c.b[i : i+1]); err != nil {
				t.Fatal(err)
			}
			if w.Safe() > end || w.Safe() > int64(i+1) {
				t.Fatalf("%s: %d bytes are let out of %d", name, w.Safe(), i+1)
			}
		}
		if w.Safe() != end || w.Close() != nil {
			t.Errorf("%s: %d bytes are let out, want %d", name, w.Safe(), end)
		}
	}
}
