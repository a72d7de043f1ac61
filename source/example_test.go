package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/sink"
	"github.com/ctxpipe/ctxpipe/source"
)

// guestContext saves a small context for the examples.
func guestContext() []byte {
	var b bytes.Buffer
	w, err := sink.NewStaged(&b, sink.WithXen(frame.XenVersion{Major: 4, Minor: 15}))
	if err != nil {
		panic(err)
	}
	tsc := frame.TSCInfo{Mode: 1, KHz: 2_400_000, Incarnation: 1}
	if err := w.Entry(frame.TSCInfoType, 0, tsc.Append(nil, frame.Compact)); err != nil {
		panic(err)
	}
	if err := w.Entry(100, 7, []byte("a timer")); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func ExampleRegistry_Load() {
	var handlers source.Registry
	err := handlers.Register(frame.TSCInfoType, "TSC_INFO", func(e source.Entry) error {
		body, err := e.View()
		if err != nil {
			return err
		}
		tsc, err := frame.DecodeTSCInfo(e.Descriptor, frame.Compact, body)
		if err != nil {
			return err
		}
		fmt.Println("the guest sees", tsc.KHz, "kHz")
		return e.End(source.EndStrict)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = handlers.Register(100, "timer", func(e source.Entry) error {
		// Sixteen bytes today; older writers knew but seven of them.
		var timer [16]byte
		if _, err := e.ReadZeroExtended(timer[:]); err != nil {
			return err
		}
		fmt.Printf("timer %d: %q\n", e.Instance, bytes.TrimRight(timer[:], "\x00"))
		return e.End(source.EndStrict)
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	r, err := source.NewReader(bytes.NewReader(guestContext()))
	if err != nil {
		fmt.Println(err)
		return
	}
	// A real caller hands over the domain, which is paused meanwhile.
	if err := handlers.Load(context.Background(), nil, r); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Consumed(), "bytes")
	// Output:
	// the guest sees 2400000 kHz
	// timer 7: "a timer"
	// 80 bytes
}

func ExampleReader_All() {
	r, err := source.NewReader(bytes.NewReader(guestContext()))
	if err != nil {
		fmt.Println(err)
		return
	}
	for e, err := range r.All() {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s at %d, %d bytes\n", e.Name(frame.Compact), e.Offset(), e.Length)
	}
	h, err := r.Header()
	fmt.Println("written by Xen", h.Xen, err)
	// Output:
	// type 3 TSC_INFO instance 0 at 24, 24 bytes
	// type 100 instance 7 at 56, 8 bytes
	// written by Xen 4.15 <nil>
}

func ExampleRegistry_CheckThenLoad() {
	var handlers source.Registry
	for _, t := range []frame.Type{frame.TSCInfoType, 100} {
		err := handlers.Register(t, "example", func(e source.Entry) error {
			fmt.Println("load", e.Name(frame.Compact))
			return e.End(source.EndIgnore)
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	// The context lies in the middle of a file.
	c := guestContext()
	file := bytes.NewReader(append([]byte("something in front"), c...))
	from := int64(len("something in front"))

	// Cut, it is refused before the first handler runs.
	cut := io.NewSectionReader(file, from, int64(len(c))-1)
	err := handlers.CheckThenLoad(context.Background(), nil, cut)
	fmt.Println("cut:", errors.Is(err, io.ErrUnexpectedEOF))

	whole := io.NewSectionReader(file, from, int64(len(c)))
	fmt.Println(handlers.CheckThenLoad(context.Background(), nil, whole))
	// Output:
	// cut: true
	// load type 3 TSC_INFO instance 0
	// load type 100 instance 7
	// <nil>
}

func ExampleVerify() {
	c := guestContext()
	report, err := source.Verify(bytes.NewReader(c), source.CheckBodies())
	fmt.Println(report.Header.Layout, report.Header.Xen, report.Entries, report.Bytes, err)

	// One bit turns an entry into END: a loader would stop there.
	c[24] = 0
	_, err = source.Verify(bytes.NewReader(c))
	fmt.Println(err)
	var e *frame.Error
	if errors.As(err, &e) {
		fmt.Println("rule", e.Rule, "at", e.Offset)
	}
	// Output:
	// compact 4.15 4 80 <nil>
	// domain-context: offset 24, entry 1, type 0 END instance 0: length of END: wanted 0, got 24 [DC-64]
	// rule DC-64 at 24
}
