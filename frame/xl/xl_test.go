package xl_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// Proves: XS-1.
func TestHeaderOnTheWire(t *testing.T) {
	b := xl.AppendConfig([]byte("before"), "{}")[6:]
	want := "58656e20736176656420646f6d61696e2c20786c20666f726d61740a2000200d" + "04030201" + "03000000" + "00000000" + "07000000" + "03000000" + "7b7d00"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	h, err := xl.ParseHeader(b)
	if want := (xl.Header{ByteOrder: xl.ByteOrder, Mandatory: 3, DataLength: 7}); h != want || err != nil {
		t.Errorf("%+v, %v, want %+v", h, err, want)
	}
	if len(xl.Magic) != 32 {
		t.Errorf("magic of %d bytes", len(xl.Magic))
	}
}

// The lengths are those of a real migration, in which the receiver's messages
// were 54, 34 and 39 + 1 bytes; the texts are in the specification.
func TestMessagesOnTheWire(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/xen-streams.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		message string
		length  int
		last    byte
	}{{xl.Ready, 54, '\n'}, {xl.Received, 34, 0}, {xl.Clearance, 44, 0}, {xl.Results, 39, 0}} {
		if n := len(c.message); n != c.length || c.message[n-1] != c.last || bytes.IndexByte([]byte(c.message[:n-1]), 0) >= 0 {
			t.Errorf("%q is of %d bytes, want %d up to its only %q", c.message, n, c.length, c.last)
		}
		if text := "| `" + c.message[:len(c.message)-1] + "` "; !strings.Contains(string(spec), text) {
			t.Errorf("%q is no message of the specification", c.message)
		}
	}
	if xl.Running != 0 {
		t.Errorf("the guest runs: %d, want 0", xl.Running)
	}
}

func TestHeaderRefused(t *testing.T) {
	b := xl.Header{}.Append(nil)
	for n := range b {
		if _, err := xl.ParseHeader(b[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	b[31]++
	if _, err := xl.ParseHeader(b); !errors.Is(err, frame.ErrCorrupt) {
		t.Errorf("magic: %v", err)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(xl.AppendConfig(nil, "{}"))
	f.Add([]byte(xl.Magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := xl.ParseHeader(b)
		if err == nil && !bytes.HasPrefix(b, h.Append(nil)) {
			t.Errorf("%+v encodes to other bytes", h)
		}
	})
}

func ExampleAppendConfig() {
	b := xl.AppendConfig(nil, `{"c_info":{"name":"guest"}}`)
	h, err := xl.ParseHeader(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(b), h.DataLength, h.Mandatory&xl.FlagStreamV2 != 0)
	// Output: 80 32 true
}
