package hvm_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
)

// with gives a copy of b with the bytes at i replaced.
func with(b []byte, i int, bytes ...byte) []byte {
	b = append([]byte(nil), b...)
	copy(b[i:], bytes)
	return b
}

// A mutation breaks one rule, in a real context or in one that is built.
type mutation struct {
	name string
	ctx  []byte
	cfg  hvm.Config // limits
	rule frame.Rule
	err  error // nil: ErrCorrupt
}

// Offsets in pvh.ctx: HEADER 0, CPU 32, LAPIC 1072, LAPIC_REGS 1104, PCI_IRQ
// 2136, ISA_IRQ 2160, PCI_LINK 2176, MTRR 2192, VMCE 2440, TSC_ADJUST 2480,
// END 2496.
func loadMutations(pvh []byte) []mutation {
	return []mutation{
		{name: "CPU first", ctx: pvh[32:], rule: "HV-2"},
		{name: "END alone", ctx: pvh[2496:], rule: "HV-2"},
		{name: "zeros", ctx: make([]byte, 32), rule: "HV-2"},
		{name: "HEADER of 32 bytes", ctx: build(zeros(hvm.HeaderType, 0, 32), end), rule: "HV-2"},
		{name: "HEADER instance", ctx: with(pvh, 2, 1), rule: "HV-2"},
		{name: "magic", ctx: with(pvh, 8, 0), rule: "HV-3"},
		{name: "domain context's magic", ctx: with(pvh, 8, 0x45, 0x56, 0x41, 0x53), rule: "HV-3"},
		{name: "version", ctx: with(pvh, 12, 2), rule: "HV-4", err: frame.ErrUnsupported},
		{name: "END length", ctx: with(pvh, 2496+4, 8), rule: "HV-5"},
		{name: "END instance", ctx: with(pvh, 2496+2, 8), rule: "HV-5"},
		{name: "type damaged to 0", ctx: with(pvh, 1104, 0), rule: "HV-5"},
		{name: "length", ctx: with(pvh, 32+4, 0xff, 0xff, 0xff, 0xff), rule: "HV-7", err: frame.ErrTooLarge},
		{name: "MaxEntry", ctx: pvh, cfg: hvm.Config{MaxEntry: 1031}, rule: "HV-7", err: frame.ErrTooLarge},
		{name: "MaxEntries", ctx: pvh, cfg: hvm.Config{MaxEntries: 10}, rule: "HV-7", err: frame.ErrTooLarge},
		{name: "MaxBytes", ctx: pvh, cfg: hvm.Config{MaxBytes: 2503}, rule: "HV-7", err: frame.ErrTooLarge},
		{name: "MaxBytes behind END", ctx: append(bytes.Clone(pvh), 0), cfg: hvm.Config{MaxBytes: 2504}, rule: "HV-7", err: frame.ErrTooLarge},
		{name: "second HEADER", ctx: build(header, header, cpu(0), end), rule: "HV-8", err: frame.ErrSecondHeader},
		{name: "short LAPIC_REGS", ctx: build(header, cpu(0), zeros(hvm.LAPICRegs, 0, 1016), end), rule: "HV-9"},
		{name: "short CPU_XSAVE", ctx: build(header, cpu(0), zeros(hvm.XSAVEType, 0, 592), end), rule: "HV-9"},
		{name: "short CPU_MSR", ctx: build(header, cpu(0), zeros(hvm.MSRType, 0, 8), end), rule: "HV-9"},
		{name: "empty PIC", ctx: build(header, cpu(0), zeros(hvm.PIC, 0, 0), end), rule: "HV-9"},
		{name: "behind END", ctx: append(bytes.Clone(pvh), 0, 0, 3), rule: "HV-10"},
		{name: "END, then the rest", ctx: append(build(header, end), pvh[32:]...), rule: "HV-10"},
	}
}

// msrs gives a CPU_MSR of one register whose byte at i is x.
func msrs(i int, x byte) entry {
	return entry{hvm.MSRType, 0, with(hvm.AppendMSRs(nil, []hvm.MSR{{Index: 0xc0000103, Value: 1}}), i, x)}
}

// xsave gives a good CPU_XSAVE of which one byte differs.
func xsave(i int, x byte) entry {
	return entry{hvm.XSAVEType, 0, with(append(hvm.XSAVE{FeatureMask: 7, XCR0: 7, XCR0Accum: 7, XStateBV: 3}.Append(nil), make([]byte, 256)...), i, x)}
}

func verifyMutations(pvh, full []byte) []mutation {
	return []mutation{
		{name: "type 21", ctx: with(pvh, 2480, 21), rule: "HV-20", err: frame.ErrUnknownType},
		{name: "type 278", ctx: with(pvh, 2480, 0x16, 1), rule: "HV-20", err: frame.ErrUnknownType},
		{name: "long CPU", ctx: build(header, zeros(hvm.CPUType, 0, 1040), end), rule: "HV-21"},
		{name: "CPU of 1028", ctx: build(header, zeros(hvm.CPUType, 0, 1028), end), rule: "HV-21"},
		{name: "empty CPU", ctx: build(header, zeros(hvm.CPUType, 0, 0), end), rule: "HV-21"},
		{name: "RTC of 8", ctx: build(header, cpu(0), zeros(hvm.RTC, 0, 8), end), rule: "HV-21"},
		{name: "VMCE of 12", ctx: build(header, cpu(0), zeros(hvm.VMCE, 0, 12), end), rule: "HV-21"},
		{name: "long PIC", ctx: build(header, cpu(0), zeros(hvm.PIC, 0, 16), end), rule: "HV-21"},
		{name: "CPU 128", ctx: with(pvh, 32+2, 128), rule: "HV-22"},
		{name: "CPU 1 of 1", ctx: with(pvh, 32+2, 1), cfg: hvm.Config{VCPUs: 1}, rule: "HV-22"},
		{name: "PCI_IRQ 1", ctx: with(pvh, 2136+2, 1), rule: "HV-22"},
		{name: "PIC 2", ctx: build(header, cpu(0), zeros(hvm.PIC, 2, 8), end), rule: "HV-22"},
		{name: "types fall", ctx: build(header, zeros(hvm.RTC, 0, 24), cpu(0), end), rule: "HV-23"},
		{name: "instances fall", ctx: build(header, cpu(1), cpu(0), end), rule: "HV-23"},
		{name: "repeat", ctx: build(header, cpu(0), cpu(0), end), rule: "HV-24"},
		{name: "repeat in a real one", ctx: bytes.Join([][]byte{pvh[:2496], pvh[2480:]}, nil), rule: "HV-24"},
		{name: "zero behind END", ctx: append(bytes.Clone(pvh), 0), rule: "HV-25"},
		{name: "no CPU", ctx: append(bytes.Clone(pvh[:32]), pvh[1072:]...), rule: "HV-26"},
		{name: "CPU pad", ctx: with(pvh, 32+8+1031, 1), rule: "HV-27"},
		{name: "LAPIC pad", ctx: build(header, cpu(0), entry{hvm.LAPICType, 0, with(hvm.LAPIC{}.Append(nil), 28, 1)}, end), rule: "HV-27"},
		{name: "PCI_LINK pad", ctx: with(pvh, 2176+8+4, 1), rule: "HV-27"},
		{name: "PIT pad", ctx: build(header, cpu(0), entry{hvm.PIT, 0, with(make([]byte, 56), 52, 1)}, end), rule: "HV-27"},
		{name: "RTC pad", ctx: build(header, cpu(0), entry{hvm.RTC, 0, with(make([]byte, 16), 15, 1)}, end), rule: "HV-27"},
		{name: "xcr0", ctx: build(header, cpu(0), xsave(8, 0xf), end), rule: "HV-28"},
		{name: "xstate_bv", ctx: build(header, cpu(0), xsave(536, 0xb), end), rule: "HV-28"},
		{name: "xcomp_bv", ctx: build(header, cpu(0), xsave(544+7, 0x80), end), rule: "HV-28"},
		{name: "XSAVE reserved", ctx: build(header, cpu(0), xsave(599, 1), end), rule: "HV-28"},
		{name: "MSR count 0", ctx: build(header, cpu(0), msrs(0, 0), end), rule: "HV-29"},
		{name: "MSR count 2", ctx: build(header, cpu(0), msrs(0, 2), end), rule: "HV-29"},
		{name: "MSR count huge", ctx: build(header, cpu(0), msrs(3, 0xff), end), rule: "HV-29"},
		{name: "MSR reserved", ctx: build(header, cpu(0), msrs(12, 1), end), rule: "HV-29"},
		{name: "ISA_IRQ before PCI_IRQ", ctx: swapTypes(full), rule: "HV-23"},
	}
}

// swapTypes exchanges the entries PCI_IRQ and ISA_IRQ of hvm.ctx, which
// follow one another.
func swapTypes(ctx []byte) []byte {
	a := bytes.Index(ctx, hvm.Descriptor{Type: hvm.PCIIRQ, Length: 16}.Append(nil))
	b := a + 24
	return bytes.Join([][]byte{ctx[:a], ctx[b : b+16], ctx[a:b], ctx[b+16:]}, nil)
}

// What breaks a load rule is refused however strict the checker is.
//
// Proves: HV-2, HV-3, HV-4, HV-5, HV-7, HV-8, HV-9, HV-10.
func TestLoadRules(t *testing.T) {
	for _, m := range loadMutations(realContexts(t)["pvh.ctx"]) {
		t.Run(m.name, func(t *testing.T) {
			sentinel := m.err
			if sentinel == nil {
				sentinel = frame.ErrCorrupt
			}
			_, err := check(m.cfg, m.ctx, 0)
			checkError(t, err, sentinel, m.rule)
			// A verifier that goes on behind findings stops here too.
			m.cfg.Verify = true
			m.cfg.OnFinding = func(*frame.Error) error { return nil }
			_, err = check(m.cfg, m.ctx, 0)
			checkError(t, err, sentinel, m.rule)
		})
	}
}

// Where nobody sets limits, those of the specification hold, to the byte.
//
// Proves: HV-7.
func TestDefaultLimits(t *testing.T) {
	long := func(n uint32) []byte { return hvm.Descriptor{Type: hvm.XSAVEType, Length: n}.Append(nil) }
	short := build(zeros(hvm.TSCAdjust, 0, 8))
	const rest = 128<<20 - 32 - 127*(8+1<<20) - 8
	for name, c := range map[string]struct {
		times            int
		fill, fits, over []byte
	}{
		"body":    {0, nil, long(1 << 20), long(1<<20 + 1)},
		"entries": {1<<16 - 2, short, short, append(bytes.Clone(short), short...)},
		"context": {127, append(long(1<<20), make([]byte, 1<<20)...), long(rest), long(rest + 1)},
	} {
		run := func(last []byte) error {
			checker := hvm.NewChecker(hvm.Config{})
			_, _ = checker.Write(build(header))
			for range c.times {
				_, _ = checker.Write(c.fill)
			}
			_, err := checker.Write(last) // errors stay
			return err
		}
		if err := run(c.fits); err != nil {
			t.Errorf("%s fits: %v", name, err)
		}
		checkError(t, run(c.over), frame.ErrTooLarge, hvm.RuleLimit)
	}
}

// What breaks a verify rule is refused by a verifier and carried by others.
//
// Proves: HV-20, HV-21, HV-22, HV-23, HV-24, HV-25, HV-26, HV-27, HV-28, HV-29.
func TestVerifyRules(t *testing.T) {
	real := realContexts(t)
	for _, m := range verifyMutations(real["pvh.ctx"], real["hvm.ctx"]) {
		t.Run(m.name, func(t *testing.T) {
			if _, err := check(m.cfg, m.ctx, 0); err != nil {
				t.Errorf("without verify: %v", err)
			}
			m.cfg.Verify = true
			_, err := check(m.cfg, m.ctx, 0)
			if m.err == nil {
				m.err = frame.ErrCorrupt
			}
			checkError(t, err, m.err, m.rule)

			var all []frame.Rule
			m.cfg.OnFinding = func(e *frame.Error) error {
				all = append(all, e.Rule)
				return nil
			}
			if _, err := check(m.cfg, m.ctx, 0); err != nil || len(all) == 0 || all[0] != m.rule {
				t.Errorf("all findings: %v, %v", all, err)
			}
		})
	}
}

// Each mutation, mended, is fine: what the tables build around is good.
func TestMendedContextsPass(t *testing.T) {
	good := xsave(0, 7)
	for name, ctx := range map[string][]byte{
		"everything": build(header, cpu(0), cpu(1), zeros(hvm.PIC, 0, 8), zeros(hvm.PIC, 1, 8), zeros(hvm.LAPICType, 0, 32),
			zeros(hvm.LAPICType, 1, 24), zeros(hvm.RTC, 0, 16), zeros(hvm.ViridianDomain, 0, 16), good,
			zeros(hvm.ViridianVCPU, 0, 8), zeros(hvm.VMCE, 127, 24), msrs(0, 1), end),
		"old CPU":            build(header, zeros(hvm.CPUType, 0, hvm.CPUSizeOld), zeros(hvm.CPUType, 1, 1024), end),
		"vCPU 0 offline":     build(header, cpu(1), end),
		"MSRs beyond a body": build(header, cpu(0), entry{hvm.MSRType, 0, hvm.AppendMSRs(nil, make([]hvm.MSR, 5000))}, end),
	} {
		if _, err := check(hvm.Config{Verify: true}, ctx, 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// All findings of one context, in order and each with its place.
func TestAllFindings(t *testing.T) {
	ctx := build(header, cpu(3), cpu(3), zeros(99, 0, 4), zeros(hvm.PIC, 7, 12), end, end)
	var got []string
	_, err := check(hvm.Config{Verify: true, OnFinding: func(e *frame.Error) error {
		got = append(got, fmt.Sprintf("%d@%d %s", e.Index, e.Offset, e.Rule))
		return nil
	}}, ctx, 5)
	if err != nil {
		t.Error(err)
	}
	want := []string{"2@1072 HV-24", "3@2112 HV-20", "4@2124 HV-21", "4@2124 HV-22", "4@2124 HV-23", "5@2152 HV-25"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every bit of the descriptors and of HEADER is guarded: flip any, and a
// verifier complains. What HEADER says about the saving machine is free, and
// one flip gives as good a context: PCI_LINK of a guest without a PM timer,
// which becomes one of the same shape.
func TestEveryBitOfStructureIsGuarded(t *testing.T) {
	for name, ctx := range realContexts(t) {
		events, err := check(hvm.Config{}, ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		at := []int{8, 9, 10, 11, 12, 13, 14, 15} // magic and version
		for _, e := range events {
			for i := range hvm.DescriptorSize {
				at = append(at, int(e.Offset)+i)
			}
		}
		for _, i := range at {
			for bit := range 8 {
				_, err := check(hvm.Config{Verify: true, VCPUs: 1}, with(ctx, i, ctx[i]^1<<bit), 0)
				var e *frame.Error
				if d := hvm.DecodeDescriptor(ctx[i&^7:]); d.Type == hvm.PCILink && i%8 == 0 && bit == 2 && name != "hvm.ctx" {
					continue
				}
				if !errors.As(err, &e) || e.Rule == "" {
					t.Errorf("%s: bit %d of byte %d flipped: %v", name, bit, i, err)
				}
			}
		}
	}
}

// The table of the code is the table of the specification.
func TestTypesTable(t *testing.T) {
	for code := hvm.Type(0); code < 40; code++ {
		info, known := hvm.Lookup(code)
		switch {
		case known != (code <= 20) || known != (code.Name() != ""):
			t.Errorf("type %d: known %v, name %q", code, known, code.Name())
		case !known:
		case info.PerVCPU == (info.Instances > 0):
			t.Errorf("%s: per vCPU %v, %d instances", info.Name, info.PerVCPU, info.Instances)
		case strings.ToUpper(info.Name) != info.Name || info.Size%8 != 0:
			t.Errorf("%+v", info)
		}
	}
}

func TestDescriptorGolden(t *testing.T) {
	d := hvm.Descriptor{Type: 0x0201, Instance: 0x0403, Length: 0x08070605}
	got := d.Append([]byte{0xaa})
	if !bytes.Equal(got, []byte{0xaa, 1, 2, 3, 4, 5, 6, 7, 8}) || hvm.DecodeDescriptor(got[1:]) != d {
		t.Errorf("% x", got)
	}
	if end := hvm.AppendEnd(nil); binary.LittleEndian.Uint64(end) != 0 || len(end) != 8 {
		t.Errorf("END is % x", end)
	}
}
