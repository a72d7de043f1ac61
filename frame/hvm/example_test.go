package hvm_test

import (
	"fmt"
	"io"
	"os"

	"github.com/ctxpipe/ctxpipe/frame/hvm"
)

// The context of a real Linux guest, read from a file.
func ExampleChecker() {
	file, err := os.Open("testdata/pvh.ctx")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	c := hvm.NewChecker(hvm.Config{Verify: true, Bodies: hvm.CPUSize, OnEntry: func(e hvm.Entry) error {
		fmt.Printf("%4d  %-10s %d  %4d bytes\n", e.Offset, e.Type.Name(), e.Instance, e.Length)
		if e.Type == hvm.CPUType {
			cpu := hvm.DecodeCPU(e.Body)
			fmt.Printf("      %s, ring %d, %d levels of page tables\n", cpu.Mode(), cpu.CPL(), cpu.PagingLevels())
		}
		return nil
	}})
	if _, err = io.Copy(c, file); err == nil {
		err = c.Close()
	}
	fmt.Println("error:", err)
	// Output:
	//    0  HEADER     0    24 bytes
	//   32  CPU        0  1032 bytes
	//       64-bit, ring 0, 4 levels of page tables
	// 1072  LAPIC      0    24 bytes
	// 1104  LAPIC_REGS 0  1024 bytes
	// 2136  PCI_IRQ    0    16 bytes
	// 2160  ISA_IRQ    0     8 bytes
	// 2176  PCI_LINK   0     8 bytes
	// 2192  MTRR       0   240 bytes
	// 2440  VMCE_VCPU  0    32 bytes
	// 2480  TSC_ADJUST 0     8 bytes
	// 2496  END        0     0 bytes
	// error: <nil>
}
