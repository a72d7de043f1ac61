package survey

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// of surveys a stream in pieces of step bytes.
func of(tb testing.TB, stream []byte, step int) Report {
	tb.Helper()
	var s Survey
	w, err := xen.New(xen.WithVisitor(s.Visitor()))
	if err != nil {
		tb.Fatal(err)
	}
	for b := stream; len(b) > 0 && err == nil; b = b[min(len(b), step):] {
		_, err = w.Write(b[:min(len(b), step)])
	}
	if err == nil {
		err = w.Close()
	}
	r := s.Report(w)
	if (err == nil) != r.Complete {
		tb.Errorf("complete %v, %v", r.Complete, err)
	}
	return r
}

// facts gives the part of a report that another parser counted too.
func facts(r Report) vectest.Facts {
	f := vectest.Facts{Kind: r.Kind, Bytes: r.Bytes, HVMEntries: [][3]int{}, Trailing: r.Sizes.Trailing}
	f.Domain.Name, f.Domain.Type = r.Domain.Name, r.Domain.Type
	f.Libxl.Records = r.Libxl.Records
	f.Libxc.Version, f.Libxc.Guest, f.Libxc.Records = r.Libxc.Version, r.Libxc.Guest, r.Libxc.Records
	p, to := r.Libxc.Pages, &f.Libxc.Pages
	to.Entries, to.Total, to.Zero, to.UniquePFNs, to.Passes = int(p.Entries), int(p.Total), int(p.Zero), int(p.UniquePFNs), p.Passes
	to.ByType = map[string]int{}
	for t, n := range p.ByType {
		to.ByType[t] = int(n)
	}
	for _, e := range r.HVM {
		f.HVMEntries = append(f.HVMEntries, [3]int{int(e.Type), int(e.Instance), int(e.Length)})
	}
	return f
}

// What is counted is what another parser counted, and the sizes add up. With
// CTXPIPE_STREAMS=DIR, so it is of all streams of that directory.
func TestRealStreams(t *testing.T) {
	streams := vectest.Streams(t)
	if dir := os.Getenv("CTXPIPE_STREAMS"); dir != "" {
		streams = append(streams, vectest.StreamsIn(t, dir)...)
	}
	for _, s := range streams {
		r := of(t, s.Bytes, 1<<20)
		want := s.Facts
		want.SHA256 = ""
		if diff := cmp.Diff(want, facts(r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.Name, diff)
		}
		z := r.Sizes
		if sum := z.XL + z.Libxl + z.Libxc + z.Entries + z.Pages + z.Trailing; sum != r.Bytes || z.Rest != 0 {
			t.Errorf("%s: sizes %+v add up to %d of %d", s.Name, z, sum, r.Bytes)
		}
		var bytes, pages int64
		for _, l := range r.Line {
			bytes, pages = bytes+l.Bytes, pages+l.Pages
		}
		if bytes != z.Libxl-16+z.Libxc-40+z.Entries+z.Pages || pages != r.Libxc.Pages.Total {
			t.Errorf("%s: the timeline has %d bytes and %d pages", s.Name, bytes, pages)
		}
		var c Cell
		for _, cell := range r.Map.Cells {
			c.add(cell)
		}
		p := r.Libxc.Pages
		if c.Data+c.Zero+c.Tables != p.Total || c.Holes != p.Entries-p.Total || c.Repeated != p.Total-p.UniquePFNs || p.Repeated != c.Repeated {
			t.Errorf("%s: the map has %+v of %+v", s.Name, c, p)
		}
	}
}

// How a stream is cut into writes does not show, but in how many pages could be
// looked at for how well they compress.
func TestAnyPieces(t *testing.T) {
	for _, s := range vectest.Streams(t) {
		want := of(t, s.Bytes, len(s.Bytes))
		got := of(t, s.Bytes, 4093)
		for _, r := range []*Report{&want, &got} {
			for i := range r.Map.Cells {
				r.Map.Cells[i].Looked, r.Map.Cells[i].Packed = 0, 0
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", s.Name, diff)
		}
	}
}

// A cut stream is counted as far as it goes.
func TestCutStream(t *testing.T) {
	s := vectest.Streams(t)[0]
	for n := 0; n < len(s.Bytes); n += len(s.Bytes)/97 + 1 {
		r := of(t, s.Bytes[:n], 8192)
		z := r.Sizes
		if sum := z.XL + z.Libxl + z.Libxc + z.Entries + z.Pages + z.Trailing + z.Rest; sum != int64(n) || z.Rest < 0 {
			t.Errorf("cut at %d: sizes %+v", n, z)
		}
	}
}

// Frame numbers from all over take no more memory than is allowed, and the map
// holds all of them.
func TestScatteredFrameNumbers(t *testing.T) {
	var s pfnSet
	var m Map
	const n = 3 * mostParts
	for i := range uint64(n) {
		pfn := i * 0x9e3779b97f4a7 % (1 << 52)
		s.add(pfn)
		m.at(pfn).Data++
	}
	if s.add(0) != true || len(s.parts) != mostParts || s.n+s.refused < n {
		t.Errorf("%d numbers in %d parts, %d refused", s.n, len(s.parts), s.refused)
	}
	var c Cell
	for _, cell := range m.Cells {
		c.add(cell)
	}
	if c.Data != n || len(m.Cells) > mostCells {
		t.Errorf("%d in %d cells of %d", c.Data, len(m.Cells), m.Span)
	}
}

// A Linux that was suspended stands in its kernel.
func TestProcessors(t *testing.T) {
	for _, s := range vectest.Streams(t) {
		for _, step := range []int{len(s.Bytes), 1001} {
			r := of(t, s.Bytes, step)
			if len(r.VCPUs) != 1 {
				t.Fatalf("%s: %d processors", s.Name, len(r.VCPUs))
			}
			c := r.VCPUs[0]
			const kernel = 0xffffffff80000000
			if linux := r.Domain.Type != "hvm"; linux && (c.RIP < kernel || c.RSP < 0xffff800000000000 || c.CR3 == 0) {
				t.Errorf("%s: %+v", s.Name, c)
			}
		}
	}
}
