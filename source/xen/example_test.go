package xen_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// Verify a stream while it passes, and say all that is wrong with it.
func Example() {
	stream := made()["pv3"]
	stream.libxl.Options = 1 << 20
	stream.rec(libxc.TSCInfoType).body[20] = 1

	w, err := xen.New(xen.WithStrictness(xen.Verify), xen.WithFindings(func(e *frame.Error) { fmt.Println(e) }))
	if err == nil {
		_, err = io.Copy(w, bytes.NewReader(stream.bytes()))
	}
	if err == nil {
		err = w.Close()
	}
	fmt.Println(w.Kind(), w.Complete(), err)
	// Output:
	// libxl: offset 153, header: options: wanted none but bit 1, got 0x100000 [XS-33]
	// libxc: offset 12737, entry 8, X86_TSC_INFO: reserved field: wanted 0, got 0x1 [XS-53]
	// xl true <nil>
}

// Count what is in a stream.
func ExampleVisitor() {
	var pages int
	var size int64
	w, err := xen.New(xen.WithVisitor(xen.Visitor{
		Config: func(_ int64, d xen.Domain, _ []byte) { fmt.Println(d.Name, d.Type) },
		Pages: func(g xen.Grid) {
			pages += g.Pages
			size += g.End() - g.Offset
		},
		Point: func(p xen.Point, _ int64) { fmt.Println(p) },
	}))
	if err == nil {
		_, err = w.Write(made()["hvm3"].bytes())
	}
	fmt.Println(pages, size, err)
	// Output:
	// made hvm
	// libxc END
	// libxl END
	// complete
	// 3 12288 <nil>
}

// A stream that is cut is told from one that is whole.
func ExampleWalker_Close() {
	b := made()["pv3"].bytes()
	w, err := xen.New()
	if err == nil {
		_, err = w.Write(b[:len(b)-4])
	}
	if err == nil {
		err = w.Close()
	}
	fmt.Println(errors.Is(err, io.ErrUnexpectedEOF))
	fmt.Println(len(b)-int(w.Safe()), "bytes from libxc END on are yet to be let out")
	// Output:
	// true
	// 16 bytes from libxc END on are yet to be let out
}

func ExampleRecognise() {
	for _, first := range []string{"LibxlFmt\x00\x00", "Xen saved", "hello"} {
		k, decided := xen.Recognise([]byte(first))
		fmt.Println(k, decided)
	}
	// Output:
	// libxl true
	// xl false
	// opaque true
}
