package survey

import "github.com/ctxpipe/ctxpipe/frame/hvm"

// Report is what a [Survey] found. As JSON it is the contract of ctxpipe inspect.
type Report struct {
	Kind     string  `json:"kind"` // as [xen.Kind] names it
	Domain   *Domain `json:"domain,omitempty"`
	Libxl    *Libxl  `json:"libxl,omitempty"`
	Libxc    *Libxc  `json:"libxc,omitempty"`
	HVM      []Entry `json:"hvm_entries,omitempty"`
	VCPUs    []VCPU  `json:"vcpus,omitempty"`
	Contexts int     `json:"context_entries,omitempty"` // of domain contexts
	Bytes    int64   `json:"bytes"`
	Complete bool    `json:"complete"`
	Trailing string  `json:"trailing,omitempty"` // what follows the stream, in words

	Sizes Sizes  `json:"sizes"`
	Line  []Span `json:"timeline,omitempty"`
	Map   Map    `json:"map"`
}

// Domain is what the configuration says.
type Domain struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	MaxVCPUs int    `json:"max_vcpus,omitempty"`
	MaxMemKB uint64 `json:"max_memory_kib,omitempty"`
	MemKB    uint64 `json:"memory_kib,omitempty"`
}

// Libxl counts the records of that layer.
type Libxl struct {
	Records map[string]int `json:"records"`
}

// Libxc counts those of its own.
type Libxc struct {
	Version  uint32         `json:"version"`
	Guest    string         `json:"guest"` // "pv" or "hvm", which a PVH guest is to libxc
	XenMajor uint32         `json:"xen_major"`
	XenMinor uint32         `json:"xen_minor"`
	Records  map[string]int `json:"records"`
	Pages    Pages          `json:"pages"`
}

// Pages is a census of the PAGE_DATA records.
type Pages struct {
	Entries    int64            `json:"entries"` // with and without data
	Total      int64            `json:"total"`   // with data
	Zero       int64            `json:"zero"`    // of those
	ByType     map[string]int64 `json:"by_type"` // entries
	UniquePFNs int64            `json:"unique_pfns"`
	Repeated   int64            `json:"repeated"` // pages sent again
	Passes     int              `json:"passes"`
	// Uncounted is how many pages had frame numbers so scattered that nobody kept
	// track whether they are repeated.
	Uncounted int64 `json:"uncounted,omitempty"`
}

// Entry is an entry of an HVM context.
type Entry struct {
	Type     hvm.Type `json:"type"`
	Name     string   `json:"name"`
	Instance uint16   `json:"instance"`
	Length   uint32   `json:"length"`
	Offset   int64    `json:"offset"`
}

// VCPU is what tells where a processor stands. A PV guest has no EFER of its own.
type VCPU struct {
	ID   uint32 `json:"id"`
	Mode string `json:"mode"`
	CPL  int    `json:"cpl"`
	RIP  uint64 `json:"rip"`
	RSP  uint64 `json:"rsp"`
	CR0  uint64 `json:"cr0"`
	CR3  uint64 `json:"cr3"`
	CR4  uint64 `json:"cr4"`
	EFER uint64 `json:"efer"`
}

// Sizes says where the bytes are. They add up to Bytes.
type Sizes struct {
	XL       int64 `json:"xl"`      // header and configuration
	Libxl    int64 `json:"libxl"`   // header and records
	Libxc    int64 `json:"libxc"`   // headers and all records but those of pages
	Entries  int64 `json:"entries"` // PAGE_DATA without the pages
	Pages    int64 `json:"pages"`
	Trailing int64 `json:"trailing"`
	// Rest is what is left: of a cut stream the record that is not whole, of
	// anything that is no save stream all of it.
	Rest int64 `json:"rest"`
}

// Span is a run of records of one type, folded.
type Span struct {
	Layer   string `json:"layer"`
	Name    string `json:"name"`
	Offset  int64  `json:"offset"`
	Bytes   int64  `json:"bytes"`
	Records int    `json:"records"`
	Pages   int64  `json:"pages,omitempty"`
	Pass    int    `json:"pass,omitempty"` // of pages, from 1
}
