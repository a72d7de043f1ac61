package hvm

// Bits of the architecture that tell in which mode a processor is.
const (
	cr0PE   = 1 << 0
	cr0PG   = 1 << 31
	cr4PAE  = 1 << 5
	cr4LA57 = 1 << 12
	eferLMA = 1 << 10
	flagVM  = 1 << 17
	attrL   = 1 << 9
	attrDB  = 1 << 10
)

// Mode tells in words which mode the processor is in: "real", "virtual-8086",
// "protected 16-bit", "protected 32-bit", "compatibility 16-bit",
// "compatibility 32-bit" or "64-bit".
func (c CPU) Mode() string {
	long, attributes := c.EFER&eferLMA != 0, c.Segments[CS].Attributes
	switch {
	case c.CR0&cr0PE == 0:
		return "real"
	case long && attributes&attrL != 0:
		return "64-bit"
	case !long && c.RFLAGS&flagVM != 0:
		return "virtual-8086"
	}
	name, width := "protected", "16-bit"
	if long {
		name = "compatibility"
	}
	if attributes&attrDB != 0 {
		width = "32-bit"
	}
	return name + " " + width
}

// CPL gives the privilege level: 0 for the kernel, 3 for its programs.
func (c CPU) CPL() int {
	switch c.Mode() {
	case "real":
		return 0
	case "virtual-8086":
		return 3
	}
	return int(c.Segments[SS].Attributes >> 5 & 3)
}

// PagingLevels gives the levels of the page tables that CR3 points to: 0 with
// paging off, then 2, 3, 4 or 5.
func (c CPU) PagingLevels() int {
	switch {
	case c.CR0&cr0PG == 0:
		return 0
	case c.EFER&eferLMA != 0 && c.CR4&cr4LA57 != 0:
		return 5
	case c.EFER&eferLMA != 0:
		return 4
	case c.CR4&cr4PAE != 0:
		return 3
	}
	return 2
}

// Event is an interrupt or exception on its way into a processor.
type Event struct {
	Vector uint8
	// Type is as the processor's virtualisation codes it: 0 external
	// interrupt, 2 NMI, 3 exception, 4 to 6 by software.
	Type uint8
	// HasError says that ErrorCode goes with it.
	HasError  bool
	ErrorCode uint32
}

// Pending gives the event that PendingEvent and ErrorCode describe, if there
// is one.
func (c CPU) Pending() (e Event, ok bool) {
	p := c.PendingEvent
	if p>>31 == 0 {
		return Event{}, false
	}
	e = Event{Vector: uint8(p), Type: uint8(p >> 8 & 7), HasError: p>>11&1 != 0}
	if e.HasError {
		e.ErrorCode = c.ErrorCode
	}
	return e, true
}
