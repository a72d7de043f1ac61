package sink_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/sink"
)

// Save to a file: bodies go straight through, lengths are patched in place.
func ExampleNewSeekable() {
	f, err := os.CreateTemp("", "context")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()

	w, err := sink.NewSeekable(f, 0, sink.WithXen(frame.XenVersion{Major: 4, Minor: 20}))
	if err != nil {
		log.Fatal(err)
	}
	e, err := w.Begin(7, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(e, "as long as ", "it happens to be")
	if err := e.End(); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(w.Size(), "bytes")
	// Output: 72 bytes
}

// Save to a pipe: every entry leaves when it ends.
func ExampleNewStaged() {
	r, pipe, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		defer pipe.Close()
		w, err := sink.NewStaged(pipe, sink.WithLayout(frame.Wide))
		if err != nil {
			log.Fatal(err)
		}
		tsc := frame.TSCInfo{Mode: 1, KHz: 2_400_000}
		if err := w.Entry(frame.TSCInfoType, 0, tsc.Append(nil, w.Layout())); err != nil {
			log.Fatal(err)
		}
		if err := w.Close(); err != nil {
			log.Fatal(err)
		}
	}()
	b, err := io.ReadAll(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(b), "bytes,", frame.Detect(b), "layout")
	// Output: 80 bytes, wide layout
}

// A dry run tells the sizes, and lets the real run stream without holding.
func ExampleDryRun() {
	save := func(w *sink.Writer) error {
		e, err := w.Begin(7, 0)
		if err != nil {
			return err
		}
		for range 1000 {
			if err := e.Append(make([]byte, 1<<20)); err != nil {
				return err
			}
		}
		return e.End()
	}
	plan, err := sink.DryRun(save)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(plan.Len(), "entry,", plan.Size(), "bytes")

	w, err := sink.NewPlanned(io.Discard, plan)
	if err != nil {
		log.Fatal(err)
	}
	if err := save(w); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(w.Size(), "bytes")
	// Output:
	// 1 entry, 1048576040 bytes
	// 1048576040 bytes
}

// Handlers by type, run in order while the domain is paused.
func ExampleRegistry_SaveTo() {
	var reg sink.Registry
	for _, t := range []frame.Type{8, 7} {
		err := reg.Register(t, "EXAMPLE", func(w *sink.Writer) error {
			fmt.Println("saving type", t, "dry run:", w.Dry())
			return w.Entry(t, 0, []byte("state"))
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	if err := reg.SaveTo(context.Background(), nil, io.Discard); err != nil {
		log.Fatal(err)
	}
	// Output:
	// saving type 7 dry run: true
	// saving type 8 dry run: true
	// saving type 7 dry run: false
	// saving type 8 dry run: false
}
