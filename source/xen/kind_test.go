package xen_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/xl"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// ofKinds gives a stream of each kind.
func ofKinds() map[xen.Kind][]byte {
	p := made()["pvh4"]
	b := p.bytes()
	return map[xen.Kind][]byte{
		xen.XL: b, xen.Libxl: b[xl.HeaderSize+len(p.data):], xen.Libxc: p.libxc(nil),
		xen.DomainContext: domainContext(frame.Wide), xen.HVMContext: hvmContext(),
	}
}

// Proves: XS-2.
func TestRecognise(t *testing.T) {
	streams := ofKinds()
	for k, b := range streams {
		if got, decided := xen.Recognise(b); got != k || !decided {
			t.Errorf("%v is recognised as %v, %v", k, got, decided)
		}
		// Every beginning is undecided until it is right for good.
		for n := 1; n < 40; n++ {
			got, decided := xen.Recognise(b[:n])
			if decided && got != k || !decided && got == xen.Opaque {
				t.Errorf("%d bytes of %v: %v, %v", n, k, got, decided)
			}
			if n >= xen.RecogniseSize && !decided {
				t.Errorf("%d bytes of %v do not decide", n, k)
			}
		}
		w, err := walk(t, b, 1, xen.WithStrictness(xen.Verify), xen.WithKind(k))
		if err != nil || w.Kind() != k {
			t.Errorf("told %v: %v, %v", k, w.Kind(), err)
		}
		for other, b := range streams {
			if other == k {
				continue
			}
			if _, err := walk(t, b, 0, xen.WithKind(k)); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v told to be %v: %v", other, k, err)
			}
		}
	}
	if k, decided := xen.Recognise(domainContext(frame.Compact)); k != xen.DomainContext || !decided {
		t.Errorf("compact context: %v, %v", k, decided)
	}
	if k, decided := xen.Recognise(nil); k != xen.Opaque || decided {
		t.Errorf("nothing: %v, %v", k, decided)
	}
	for _, s := range []string{"hello", "Xen saved domain, xl formal", "LibxlFMT", "\x01\x00\x01\x00", "\x01\x00\x00\x00\x18\x00\x00\x00\x86\x12\x38\x55", "\xff\xff\xff\xff\xff\xff\xff\xffXENG", "\x00"} {
		if k, decided := xen.Recognise([]byte(s)); k != xen.Opaque || !decided {
			t.Errorf("%q: %v, %v", s, k, decided)
		}
		for _, step := range []int{0, 1} {
			w, err := walk(t, []byte(s+" and more that nobody reads"), step)
			if !errors.Is(err, frame.ErrUnsupported) || ruleOf(t, err) != xen.RuleUnknown || w.Kind() != xen.Opaque {
				t.Errorf("%q: %v", s, err)
			}
		}
	}
	if _, err := walk(t, nil, 0); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an empty stream: %v", err)
	}
}

func TestNames(t *testing.T) {
	want := "opaque xl libxl libxc domain-context hvm-context unknown libxc END libxl END complete checkpoint unknown"
	got := fmt.Sprint(xen.Opaque, xen.XL, xen.Libxl, xen.Libxc, xen.DomainContext, xen.HVMContext, xen.Kind(77),
		xen.LibxcEnd, xen.LibxlEnd, xen.Complete, xen.Checkpoint, xen.Point(77))
	if got != want {
		t.Errorf("%s", got)
	}
}
