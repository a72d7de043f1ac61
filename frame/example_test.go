package frame_test

import (
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame"
)

func ExampleDescriptor_Append() {
	d := frame.Descriptor{Type: frame.TSCInfoType, Length: 24}
	for _, l := range []frame.Layout{frame.Compact, frame.Wide} {
		b, err := d.Append(nil, l)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-7v % x\n", l, b)
	}

	// What does not fit is refused, not cut.
	d.Instance = 65536
	_, err := d.Append(nil, frame.Compact)
	fmt.Println(err)
	// Output:
	// compact 03 00 00 00 18 00 00 00
	// wide    03 00 00 00 00 00 00 00 18 00 00 00 00 00 00 00
	// domain-context: offset 0, type 3 TSC_INFO instance 65536: instance does not fit its field: wanted at most 65535, got 65536 [DC-22]
}

func ExampleDetect() {
	for _, first := range []string{
		"\x01\x00\x00\x00\x10\x00\x00\x00",
		"\x01\x00\x00\x00\x00\x00\x00\x00",
		"\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		if l := frame.Detect([]byte(first)); l != 0 {
			fmt.Println(l)
		} else {
			fmt.Println("not a domain context")
		}
	}
	// Output:
	// compact
	// wide
	// not a domain context
}
