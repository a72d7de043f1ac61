package hvm_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
)

// bodies gives the bodies of a real context by type.
func bodies(t testing.TB, name string) map[hvm.Type][]byte {
	t.Helper()
	events, err := check(hvm.Config{Bodies: hvm.MaxBody}, realContexts(t)[name], 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[hvm.Type][]byte)
	for _, e := range events {
		found[e.Type] = []byte(e.Body)
	}
	return found
}

// canonical says whether an address is one that a processor takes.
func canonical(a uint64) bool { return int64(a)<<16>>16 == int64(a) }

// kernel says whether an address is in the upper half, where Linux lives.
func kernel(a uint64) bool { return canonical(a) && a>>63 == 1 }

// The registers of a Linux guest are what only a decoder finds that is right
// at every offset.
func TestCPUOfRealLinux(t *testing.T) {
	for _, name := range []string{"pvh.ctx", "pvh-live.ctx"} {
		c := hvm.DecodeCPU(bodies(t, name)[hvm.CPUType])
		for what, good := range map[string]bool{
			"rip in the kernel":               kernel(c.RIP),
			"rsp in the kernel":               kernel(c.Registers[7]) && c.Registers[7]%8 == 0,
			"rflags has its fixed bits":       c.RFLAGS&^0x3fffd7 == 0 && c.RFLAGS&2 != 0 && c.RFLAGS&(1<<3|1<<5|1<<15) == 0,
			"cr0 PE ET NE WP PG":              c.CR0 == 0x80050033,
			"cr2 canonical":                   canonical(c.CR2),
			"cr3 in 256 MiB":                  c.CR3 != 0 && c.CR3>>12 < 256<<20>>12,
			"cr4 PAE":                         c.CR4&(1<<5) != 0 && c.CR4>>32 == 0,
			"dr6 and dr7 at rest":             c.Debug[4] == 0xffff0ff0 && c.Debug[5] == 0x400,
			"cs is Linux's kernel segment":    c.Segments[hvm.CS].Selector == 0x10,
			"cs present, code, long":          c.Segments[hvm.CS].Attributes == 0xa9b && c.Segments[hvm.CS].Base == 0,
			"cs limit":                        c.Segments[hvm.CS].Limit == 1<<32-1,
			"ss is data":                      c.Segments[hvm.SS].Selector == 0x18 || c.Segments[hvm.SS].Selector == 0,
			"tr is a busy TSS":                c.Segments[hvm.TR].Selector == 0x40 && c.Segments[hvm.TR].Attributes == 0x8b,
			"tr base":                         kernel(c.Segments[hvm.TR].Base),
			"gs base is per-CPU data":         kernel(c.Segments[hvm.GS].Base) || kernel(c.ShadowGS),
			"idt":                             c.IDT.Limit == 0xfff && kernel(c.IDT.Base),
			"gdt":                             c.GDT.Limit == 0x7f && kernel(c.GDT.Base),
			"sysenter":                        c.SysenterCS == 0x10 && kernel(c.SysenterEIP) && kernel(c.SysenterESP),
			"lstar and cstar in the kernel":   kernel(c.LSTAR) && kernel(c.CSTAR),
			"star":                            c.STAR == 0x0023001000000000,
			"syscall mask clears IF and more": c.SyscallMask&0x200 != 0 && c.SyscallMask>>32 == 0,
			"efer SCE LME LMA NX":             c.EFER == 0xd01,
			"tsc runs":                        c.TSC > 1<<32 && c.TSC < 1<<60,
			"no event":                        c.PendingEvent == 0,
			"FPU in use":                      c.Flags == hvm.FPUInitialised,
			"x87 control word, MXCSR":         binary.LittleEndian.Uint16(c.FPU[:]) == 0x37f && binary.LittleEndian.Uint32(c.FPU[24:])&^0x3f == 0x1f80,
		} {
			if !good {
				t.Errorf("%s: %s does not hold", name, what)
			}
		}
		if c.Mode() != "64-bit" || c.CPL() != 0 || c.PagingLevels() != 4 {
			t.Errorf("%s: %s, ring %d, %d levels", name, c.Mode(), c.CPL(), c.PagingLevels())
		}
	}
}

// A guest in its firmware runs 32-bit code without paging, or 16-bit code.
func TestCPUOfRealFirmware(t *testing.T) {
	c := hvm.DecodeCPU(bodies(t, "hvm.ctx")[hvm.CPUType])
	t.Logf("%s, rip %#x, cr0 %#x, efer %#x, cs %+v, idt %+v", c.Mode(), c.RIP, c.CR0, c.EFER, c.Segments[hvm.CS], c.IDT)
	if c.EFER&(1<<10) != 0 || c.PagingLevels() != 0 || c.RIP>>32 != 0 || c.Registers[7]>>32 != 0 || c.CR3 != 0 {
		t.Errorf("rip %#x, cr0 %#x, cr3 %#x, efer %#x", c.RIP, c.CR0, c.CR3, c.EFER)
	}
	if c.CR0&^0x80050033 != 0x60000000&c.CR0 {
		t.Errorf("cr0 %#x", c.CR0)
	}
}

// Bodies re-encode to the same bytes.
func TestRealBodiesRoundTrip(t *testing.T) {
	for name := range realContexts(t) {
		b := bodies(t, name)
		h, err := hvm.DecodeHeader(b[hvm.HeaderType])
		if err != nil || !bytes.Equal(h.Append(nil), b[hvm.HeaderType]) {
			t.Errorf("%s: HEADER %+v, %v", name, h, err)
		}
		if h.CPUID>>8&0xf != 0xf || h.GuestTSCKHz < 1e6 || h.GuestTSCKHz > 6e6 || h.Changeset != hvm.NoChangeset {
			t.Errorf("%s: HEADER %+v is not of that machine", name, h)
		}
		if c := hvm.DecodeCPU(b[hvm.CPUType]); !bytes.Equal(c.Append(nil), b[hvm.CPUType]) {
			t.Errorf("%s: CPU does not round-trip", name)
		}
		l := hvm.DecodeLAPIC(b[hvm.LAPICType])
		if got := l.Append(nil); !bytes.Equal(got[:24], b[hvm.LAPICType]) || !frame.IsZero(got[24:]) {
			t.Errorf("%s: LAPIC does not round-trip", name)
		}
		if l.BaseMSR&^0xfff != 0xfee00000 || l.BaseMSR&(1<<8|1<<11) != 1<<8|1<<11 {
			t.Errorf("%s: APIC base %#x", name, l.BaseMSR)
		}
	}
}

// Random bytes decode and re-encode to the same, so no field is lost, read
// twice, or swapped with another.
func TestCPURoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		b := make([]byte, hvm.CPUSize)
		for i := range b[:1028] {
			b[i] = byte(rnd.Uint32())
		}
		c := hvm.DecodeCPU(b)
		if !bytes.Equal(c.Append(nil), b) {
			t.Fatal("CPU does not round-trip")
		}
		if diff := cmp.Diff(c, hvm.DecodeCPU(append(b, 1, 2, 3))); diff != "" {
			t.Error(diff)
		}
	}
}

// Each field holds the number of its place, in 8 bytes from the start.
func TestCPUOffsets(t *testing.T) {
	b := make([]byte, hvm.CPUSize)
	for i := 0; i < len(b); i += 4 {
		binary.LittleEndian.PutUint32(b[i:], uint32(i))
	}
	c := hvm.DecodeCPU(b)
	at64 := func(what string, v uint64, at uint64) {
		if v != (at+4)<<32|at {
			t.Errorf("%s was read from %d, want %d", what, uint32(v), at)
		}
	}
	at32 := func(what string, v uint32, at uint32) {
		if v != at {
			t.Errorf("%s was read from %d, want %d", what, v, at)
		}
	}
	for i, v := range c.Registers {
		at64(hvm.RegisterNames[i], v, 512+8*uint64(i))
	}
	for i, v := range []uint64{c.RIP, c.RFLAGS, c.CR0, c.CR2, c.CR3, c.CR4} {
		at64("rip to cr4", v, 640+8*uint64(i))
	}
	for i, v := range c.Debug {
		at64(hvm.DebugNames[i], v, 688+8*uint64(i))
	}
	for i, s := range c.Segments {
		at32(hvm.SegmentNames[i]+" selector", s.Selector, 736+4*uint32(i))
		at32(hvm.SegmentNames[i]+" limit", s.Limit, 768+4*uint32(i))
		at64(hvm.SegmentNames[i]+" base", s.Base, 808+8*uint64(i))
		at32(hvm.SegmentNames[i]+" attributes", s.Attributes, 888+4*uint32(i))
	}
	at32("idt limit", c.IDT.Limit, 800)
	at32("gdt limit", c.GDT.Limit, 804)
	at64("idt base", c.IDT.Base, 872)
	at64("gdt base", c.GDT.Base, 880)
	for i, v := range []uint64{
		c.SysenterCS, c.SysenterESP, c.SysenterEIP, c.ShadowGS, c.MSRFlags, c.LSTAR, c.STAR, c.CSTAR, c.SyscallMask, c.EFER, c.TSCAux, c.TSC,
	} {
		at64("model-specific registers", v, 920+8*uint64(i))
	}
	at32("pending event", c.PendingEvent, 1016)
	at32("error code", c.ErrorCode, 1020)
	at32("flags", c.Flags, 1024)
}

// Proves: HV-12.
func TestShortCPU(t *testing.T) {
	whole := hvm.CPU{RIP: 1, EFER: 2, TSCAux: 3, TSC: 4, PendingEvent: 5, ErrorCode: 6, Flags: 0}
	b := whole.Append(nil)

	want := whole
	want.Flags = hvm.FPUInitialised
	if diff := cmp.Diff(want, hvm.DecodeCPU(b[:1024])); diff != "" {
		t.Errorf("1024 bytes (-want +got):\n%s", diff)
	}
	want.TSCAux = 0
	old := append(bytes.Clone(b[:1000]), b[1008:1024]...)
	if diff := cmp.Diff(want, hvm.DecodeCPU(old)); diff != "" {
		t.Errorf("1016 bytes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(hvm.CPU{RIP: 1, Flags: 1}, hvm.DecodeCPU(b[:648])); diff != "" {
		t.Errorf("648 bytes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(hvm.CPU{Flags: 1}, hvm.DecodeCPU(nil)); diff != "" {
		t.Errorf("no bytes (-want +got):\n%s", diff)
	}
}

func TestModes(t *testing.T) {
	cs := func(attributes uint32) (s [8]hvm.Segment) {
		s[hvm.CS].Attributes, s[hvm.SS].Attributes = attributes, 0xf3
		return s
	}
	for _, c := range []struct {
		cpu    hvm.CPU
		mode   string
		cpl    int
		levels int
	}{
		{hvm.CPU{Segments: cs(0x9b)}, "real", 0, 0},
		{hvm.CPU{CR0: 1, RFLAGS: 1 << 17}, "virtual-8086", 3, 0},
		{hvm.CPU{CR0: 1, Segments: cs(0x89b)}, "protected 16-bit", 3, 0},
		{hvm.CPU{CR0: 1 | 1<<31, Segments: cs(0x49b)}, "protected 32-bit", 3, 2},
		{hvm.CPU{CR0: 1 | 1<<31, CR4: 1 << 5, Segments: cs(0xc9b)}, "protected 32-bit", 3, 3},
		{hvm.CPU{CR0: 1 | 1<<31, CR4: 1<<5 | 1<<12, Segments: cs(0xc9b)}, "protected 32-bit", 3, 3}, // 5 are of long mode
		{hvm.CPU{CR0: 1 | 1<<31, CR4: 1 << 5, EFER: 0x500, Segments: cs(0xc9b)}, "compatibility 32-bit", 3, 4},
		{hvm.CPU{CR0: 1 | 1<<31, CR4: 1 << 5, EFER: 0x500, Segments: cs(0x9b)}, "compatibility 16-bit", 3, 4},
		{hvm.CPU{CR0: 1 | 1<<31, CR4: 1<<5 | 1<<12, EFER: 0x500, Segments: cs(0xa9b)}, "64-bit", 3, 5},
	} {
		if got := c.cpu; got.Mode() != c.mode || got.CPL() != c.cpl || got.PagingLevels() != c.levels {
			t.Errorf("got %s, ring %d, %d levels, want %s, %d, %d", got.Mode(), got.CPL(), got.PagingLevels(), c.mode, c.cpl, c.levels)
		}
	}
}

func TestPending(t *testing.T) {
	if e, ok := (hvm.CPU{PendingEvent: 0x7fffffff, ErrorCode: 1}).Pending(); ok {
		t.Errorf("%+v is not valid", e)
	}
	e, ok := hvm.CPU{PendingEvent: 0x80000b0e, ErrorCode: 7}.Pending()
	if want := (hvm.Event{Vector: 14, Type: 3, HasError: true, ErrorCode: 7}); !ok || e != want {
		t.Errorf("got %+v, want %+v", e, want)
	}
	e, ok = hvm.CPU{PendingEvent: 0x800000f3, ErrorCode: 7}.Pending()
	if want := (hvm.Event{Vector: 0xf3}); !ok || e != want {
		t.Errorf("got %+v, want %+v", e, want)
	}
}

func TestDevicesRoundTrip(t *testing.T) {
	x := hvm.XSAVE{FeatureMask: 1, XCR0: 2, XCR0Accum: 3, XStateBV: 4, XCompBV: 5}
	if got, err := hvm.DecodeXSAVE(x.Append(nil)); err != nil || got != x || len(x.Append(nil)) != hvm.XSAVEMin {
		t.Errorf("%+v, %v", got, err)
	}
	l := hvm.LAPIC{BaseMSR: 1, Disabled: 2, TimerDivisor: 3, TDT: 4, PendingESR: 5}
	if got := hvm.DecodeLAPIC(l.Append(nil)); got != l || len(l.Append(nil)) != hvm.LAPICSize {
		t.Errorf("%+v", got)
	}
	m := []hvm.MSR{{0x48, 1}, {0xc0000103, 1 << 60}}
	if got, err := hvm.DecodeMSRs(hvm.AppendMSRs(nil, m)); err != nil || !cmp.Equal(got, m) {
		t.Errorf("%+v, %v", got, err)
	}
}

// Decoders take any bytes and refuse what is too short.
func TestDecodersOfShortBodies(t *testing.T) {
	_, header := hvm.DecodeHeader(make([]byte, 23))
	_, xsave := hvm.DecodeXSAVE(make([]byte, 599))
	_, msrs := hvm.DecodeMSRs(make([]byte, 23))
	for _, err := range []error{header, xsave, msrs} {
		checkError(t, err, io.ErrUnexpectedEOF, hvm.RuleTruncated)
	}
	for _, count := range []byte{0, 2, 255} {
		if _, err := hvm.DecodeMSRs(with(make([]byte, 24), 0, count, 0, 0, count)); !errors.Is(err, frame.ErrCorrupt) {
			t.Errorf("count %d in 24 bytes: %v", count, err)
		}
	}
}
