package xen

import (
	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// Visitor is told what passes. A nil func is never called and costs nothing,
// not even the work that would have to be done for it. All are called during
// [Walker.Write], in the order of the stream; slices are good during the call
// only and must not be changed.
//
// Offsets count from the first byte that the walker was given. How the stream
// was cut into writes shows nowhere but in Entries, Body and PageData, which get
// what they get in pieces.
type Visitor struct {
	// XL is told of xl's header; its offset is 0.
	XL func(xl.Header)
	// Config is told of the configuration, as far as it is one, and of its
	// text without the closing NUL.
	Config func(offset int64, d Domain, text []byte)
	// Libxl is told of libxl's header.
	Libxl func(offset int64, h libxl.Header)
	// Libxc is told of libxc's headers.
	Libxc func(offset int64, i libxc.ImageHeader, d libxc.DomainHeader)

	// Record is told of each record of libxl and libxc as it begins, and
	// RecordEnd when its padding has passed.
	Record    func(Record)
	RecordEnd func(Record)
	// Body is given the bodies of all records but PAGE_DATA, in pieces: the
	// one that begins at offset at of the body.
	Body func(r Record, at int64, piece []byte)

	// Entries is given the entries of a PAGE_DATA record, in pieces: those
	// from number first on.
	Entries func(r Record, first int, e libxc.Entries)
	// Pages is told, behind the entries of each PAGE_DATA record and in front of
	// its pages, where the pages lie.
	Pages func(Grid)
	// PageData is given the contents of pages, in pieces.
	PageData func(PagePiece)

	// HVMEntry is told of each entry of an HVM context, END included, when its
	// body has passed. Its Offset counts as all others do. The body is there
	// up to [hvm.MaxBody] bytes.
	HVMEntry func(hvm.Entry)
	// ContextHeader and ContextEntry are told of the entries of a domain
	// context, END included: when HEADER or START has been checked, and
	// when the body of an entry has passed.
	ContextHeader func(offset int64, h frame.Header)
	ContextEntry  func(ContextEntry)

	// Point is told of the points that matter to who moves a stream.
	Point func(p Point, offset int64)
}

// Domain is what a configuration says about its domain. Fields that it does not
// have are zero.
type Domain struct {
	Name, Type  string // of c_info; the type is "pv", "pvh" or "hvm"
	MaxVCPUs    int    // of b_info, as are the sizes
	MaxMemKB    uint64
	TargetMemKB uint64
	VideoMemKB  uint64
}

// Record is a record of libxl or libxc.
type Record struct {
	// Layer is [libxl.Layer] or [libxc.Layer].
	Layer string
	// Type is its code, Name what Xen calls it or "".
	Type uint32
	Name string
	// Index counts the records of the layer from 0.
	Index int
	// Offset is the place of its header. The body begins 8 bytes later.
	Offset int64
	// Length is that of the body, without padding.
	Length uint32
}

// Grid says where the pages of a PAGE_DATA record lie: one behind the other,
// from Offset on, [libxc.PageSize] bytes each. Each record shifts the grid.
type Grid struct {
	Record Record
	Offset int64
	Pages  int
}

// End gives the offset behind the last page.
func (g Grid) End() int64 { return g.Offset + int64(g.Pages)*libxc.PageSize }

// PagePiece is part of the contents of a page.
type PagePiece struct {
	Entry  libxc.Entry
	Offset int64  // of the page's first byte in the stream
	At     int    // which byte of the page Data begins with
	Data   []byte // up to the end of the page; all of it if it came at once
}

// ContextEntry is an entry of a domain context.
type ContextEntry struct {
	frame.Descriptor
	Layout frame.Layout
	Index  int
	Offset int64 // of the descriptor
}

// Point is a place in a stream.
type Point uint8

const (
	// LibxcEnd is where libxc's END begins. From there on a restored domain
	// may be started, whatever becomes of the rest: see [Walker.Safe].
	LibxcEnd Point = iota
	// LibxlEnd is where libxl's END begins.
	LibxlEnd
	// Complete is behind the last END of the stream: what comes now is not
	// part of it.
	Complete
	// Checkpoint is where a CHECKPOINT of Remus or COLO begins.
	Checkpoint
)

// String gives the name of the point in words.
func (p Point) String() string {
	switch p {
	case LibxcEnd:
		return "libxc END"
	case LibxlEnd:
		return "libxl END"
	case Complete:
		return "complete"
	case Checkpoint:
		return "checkpoint"
	}
	return "unknown"
}

// Trailing is what follows a complete stream.
type Trailing uint8

const (
	// NothingFollows says that the stream ends with its last END.
	NothingFollows Trailing = iota
	// ClearanceFollows says that [xl.Clearance] follows, whole and by itself, as it
	// does in a migration.
	ClearanceFollows
	// OtherFollows says that anything else does.
	OtherFollows
)
