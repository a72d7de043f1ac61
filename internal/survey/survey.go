package survey

import (
	"fmt"

	"github.com/klauspost/compress/s2"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// Survey collects a [Report] from what a walker's visitor is told.
type Survey struct {
	report Report
	pfns   pfnSet
	last   uint64 // the frame number before
	page   page
	looks  int
	vcpu   []byte // the body of an X86_PV_VCPU_BASIC that is passing
}

// page is the one that is passing.
type page struct {
	entry libxc.Entry
	zero  bool
	again bool
}

const (
	// lookEvery is how many pages with data there are to one that is looked at
	// for how well it compresses.
	lookEvery = 8
	// mostLines and mostEntries bound what is kept of odd streams.
	mostLines   = 4096
	mostEntries = 4096
)

// Visitor gives what a walker has to tell.
func (s *Survey) Visitor() xen.Visitor {
	return xen.Visitor{
		XL:           func(h xl.Header) { s.report.Domain = new(Domain) },
		Config:       s.config,
		Libxl:        s.libxl,
		Libxc:        s.libxc,
		Record:       s.record,
		RecordEnd:    s.recordEnd,
		Body:         s.body,
		Entries:      s.entries,
		Pages:        s.pages,
		PageData:     s.pageData,
		HVMEntry:     s.hvmEntry,
		ContextEntry: func(xen.ContextEntry) { s.report.Contexts++ },
	}
}

// Report gives what was found by a walker that was closed.
func (s *Survey) Report(w *xen.Walker) Report {
	r := s.report
	r.Kind, r.Bytes, r.Complete = w.Kind().String(), w.Offset(), w.Complete()
	what, n := w.Trailing()
	switch what {
	case xen.ClearanceFollows:
		r.Trailing = "the message that clears a migrated guest"
	case xen.OtherFollows:
		r.Trailing = fmt.Sprintf("%d other bytes", n)
	}
	if r.Libxc != nil {
		r.Libxc.Pages.UniquePFNs, r.Libxc.Pages.Uncounted = s.pfns.n, s.pfns.refused
	}
	z := &r.Sizes
	z.Trailing = n
	z.Rest = r.Bytes - z.XL - z.Libxl - z.Libxc - z.Entries - z.Pages - z.Trailing
	return r
}

func (s *Survey) config(_ int64, d xen.Domain, _ []byte) {
	s.report.Domain = &Domain{d.Name, d.Type, d.MaxVCPUs, uint64(max(0, d.MaxMemKB)), uint64(max(0, d.TargetMemKB))}
}

func (s *Survey) libxl(offset int64, _ libxl.Header) {
	s.report.Sizes.XL = offset
	s.report.Sizes.Libxl = libxl.HeaderSize
	s.report.Libxl = &Libxl{map[string]int{}}
}

func (s *Survey) libxc(_ int64, i libxc.ImageHeader, d libxc.DomainHeader) {
	s.report.Sizes.Libxc = libxc.ImageHeaderSize + libxc.DomainHeaderSize
	s.report.Libxc = &Libxc{
		Version: i.Version, Guest: d.Guest.String(), XenMajor: uint32(d.Xen.Major), XenMinor: uint32(d.Xen.Minor),
		Records: map[string]int{}, Pages: Pages{ByType: map[string]int64{}},
	}
}

// name gives a record's name, or what stands for one that has none.
func name(r xen.Record) string {
	if r.Name == "" {
		return "UNKNOWN"
	}
	return r.Name
}

func (s *Survey) record(r xen.Record) {
	if r.Layer == libxl.Layer {
		s.report.Libxl.Records[name(r)]++
		return
	}
	s.report.Libxc.Records[name(r)]++
}

// recordEnd counts the bytes of a record that was whole, and folds it into the
// timeline.
func (s *Survey) recordEnd(r xen.Record) {
	size := recordHeader + (int64(r.Length)+7)&^7
	span := Span{Layer: r.Layer, Name: name(r), Offset: r.Offset, Bytes: size, Records: 1}
	switch {
	case r.Layer == libxl.Layer:
		s.report.Sizes.Libxl += size
	case r.Type == uint32(libxc.PageData):
		// Its pages were counted as they passed.
		span.Pages, span.Pass = s.report.Libxc.Pages.Total-s.counted(), s.report.Libxc.Pages.Passes
		s.report.Sizes.Pages += span.Pages * libxc.PageSize
		s.report.Sizes.Entries += size - span.Pages*libxc.PageSize
	default:
		s.report.Sizes.Libxc += size
	}
	s.fold(span)
}

// recordHeader is the size of a record's header, in either layer.
const recordHeader = 8

// body collects what a PV guest's processor is, and takes it apart when it is whole.
func (s *Survey) body(r xen.Record, at int64, piece []byte) {
	const whole = libxc.VCPUHeaderSize + libxc.VCPUBasic64
	if r.Layer != libxc.Layer || r.Type != uint32(libxc.VCPUBasic) || r.Length != whole {
		return
	}
	s.vcpu = append(s.vcpu[:at], piece...)
	if len(s.vcpu) < whole || len(s.report.VCPUs) == mostEntries {
		return
	}
	h, err := libxc.ParseVCPUHeader(s.vcpu)
	if err != nil {
		return
	}
	if c, ok := libxc.DecodePVCPU(s.vcpu[libxc.VCPUHeaderSize:]); ok {
		s.report.VCPUs = append(s.report.VCPUs, VCPU{
			ID: h.VCPU, Mode: "64-bit PV", CPL: int(c.CS & 3), RIP: c.RIP, RSP: c.RSP, CR0: c.CR0, CR3: c.CR3, CR4: c.CR4,
		})
	}
}

// counted gives the pages of the records that are over.
func (s *Survey) counted() int64 { return s.report.Sizes.Pages / libxc.PageSize }

func (s *Survey) fold(span Span) {
	line := &s.report.Line
	if n := len(*line); n > 0 {
		if l := &(*line)[n-1]; l.Layer == span.Layer && l.Name == span.Name && l.Pass == span.Pass || n == mostLines {
			l.Records += span.Records
			l.Bytes += span.Bytes
			l.Pages += span.Pages
			return
		}
	}
	*line = append(*line, span)
}

func (s *Survey) entries(_ xen.Record, first int, es libxc.Entries) {
	p := &s.report.Libxc.Pages
	p.Entries += int64(es.Len())
	var byType [16]int64
	for i := range es.Len() {
		e := es.At(i)
		if first+i == 0 && (p.Passes == 0 || e.PFN() <= s.last) {
			p.Passes++
		}
		s.last = e.PFN()
		byType[e.Type()]++
		if !e.Type().HasData() {
			s.report.Map.at(e.PFN()).Holes++
		}
	}
	for t, n := range byType {
		if n > 0 {
			p.ByType[libxc.PageType(t).String()] += n
		}
	}
}

func (s *Survey) pages(g xen.Grid) { s.report.Libxc.Pages.Total += int64(g.Pages) }

func (s *Survey) pageData(d xen.PagePiece) {
	if d.At == 0 {
		s.page = page{entry: d.Entry, zero: true, again: s.pfns.add(d.Entry.PFN())}
	}
	s.page.zero = s.page.zero && frame.IsZero(d.Data)
	if d.At+len(d.Data) < libxc.PageSize {
		return
	}
	p, c := &s.report.Libxc.Pages, s.report.Map.at(d.Entry.PFN())
	if s.page.again {
		p.Repeated++
		c.Repeated++
	}
	switch {
	case s.page.zero:
		p.Zero++
		c.Zero++
		return
	case d.Entry.Type().Level() > 0:
		c.Tables++
	default:
		c.Data++
	}
	s.look(c, d)
}

// look finds out how well a page compresses, if it is this one's turn and it came in
// one piece.
func (s *Survey) look(c *Cell, d xen.PagePiece) {
	s.looks++
	if s.looks%lookEvery != 0 || len(d.Data) < libxc.PageSize {
		return
	}
	c.Looked += int64(len(d.Data))
	if n := s2.EstimateBlockSize(d.Data); n > 0 {
		c.Packed += int64(n)
	} else {
		c.Packed += int64(len(d.Data))
	}
}

func (s *Survey) hvmEntry(e hvm.Entry) {
	if len(s.report.HVM) == mostEntries {
		return
	}
	found := Entry{e.Type, e.Type.Name(), e.Instance, e.Length, e.Offset}
	if found.Name == "" {
		found.Name = "UNKNOWN"
	}
	s.report.HVM = append(s.report.HVM, found)
	if e.Type == hvm.CPUType && e.Body != nil {
		c := hvm.DecodeCPU(e.Body)
		s.report.VCPUs = append(s.report.VCPUs, VCPU{
			ID: uint32(e.Instance), Mode: c.Mode(), CPL: c.CPL(), RIP: c.RIP, RSP: c.Registers[rsp],
			CR0: c.CR0, CR3: c.CR3, CR4: c.CR4, EFER: c.EFER,
		})
	}
}

// rsp is the index of that register, see [hvm.RegisterNames].
const rsp = 7
