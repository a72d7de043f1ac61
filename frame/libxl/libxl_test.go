package libxl_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame/libxl"
)

// Proves: XS-1.
func TestOnTheWire(t *testing.T) {
	for _, c := range []struct {
		name, want string
		b          []byte
	}{
		{"header", "4c6962786c466d740000000200000000", libxl.NewHeader().Append(nil)},
		{"options", "4c6962786c466d740000000280000003", libxl.Header{Ident: libxl.Ident, Version: 2, Options: 1<<31 | libxl.KnownOptions}.Append(nil)},
		{"record", "0300000005000000" + "0102030405000000", libxl.AppendRecord(nil, libxl.EmulatorContext, []byte{1, 2, 3, 4, 5})},
		{"empty record", "0100000000000000", libxl.AppendRecord(nil, libxl.LibxcContext, nil)},
		{"emulator", "0200000001000000", libxl.Emulator{ID: libxl.EmulatorQEMU, Index: 1}.Append(nil)},
	} {
		if got := hex.EncodeToString(c.b); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if h, err := libxl.ParseHeader(libxl.NewHeader().Append(nil)); h != libxl.NewHeader() || err != nil {
		t.Errorf("the header is read as %+v, %v", h, err)
	}
	if string(libxl.NewHeader().Append(nil)[:8]) != libxl.Magic {
		t.Error("the magic is not the ident")
	}
}

func TestShort(t *testing.T) {
	for n := range libxl.HeaderSize {
		b := make([]byte, n)
		_, err := libxl.ParseHeader(b)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("header of %d bytes: %v", n, err)
		}
		_, err1 := libxl.ParseRecordHeader(b)
		_, err2 := libxl.ParseEmulator(b)
		if short := n < 8; errors.Is(err1, io.ErrUnexpectedEOF) != short || errors.Is(err2, io.ErrUnexpectedEOF) != short {
			t.Errorf("%d bytes: %v, %v", n, err1, err2)
		}
	}
}

func TestNames(t *testing.T) {
	want := "END LIBXC_CONTEXT EMULATOR_XENSTORE_DATA EMULATOR_CONTEXT CHECKPOINT_END CHECKPOINT_STATE  "
	got := ""
	for i := libxl.Type(0); i < 7; i++ {
		got += i.Name() + " "
	}
	if got != want || libxl.Optional.Name() != "" || (libxl.Optional|1).Name() != "" {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(libxl.NewHeader().Append(nil))
	f.Add(libxl.AppendRecord(nil, libxl.EmulatorContext, []byte("body")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := libxl.ParseHeader(b); err == nil && !bytes.HasPrefix(b, h.Append(nil)) {
			t.Errorf("%+v encodes to other bytes", h)
		}
		if r, err := libxl.ParseRecordHeader(b); err == nil && !bytes.HasPrefix(b, r.Append(nil)) {
			t.Errorf("%+v encodes to other bytes", r)
		}
		if e, err := libxl.ParseEmulator(b); err == nil && !bytes.HasPrefix(b, e.Append(nil)) {
			t.Errorf("%+v encodes to other bytes", e)
		}
	})
}

func ExampleAppendRecord() {
	b := libxl.NewHeader().Append(nil)
	b = libxl.AppendRecord(b, libxl.LibxcContext, nil)
	// the libxc stream comes here
	b = libxl.AppendRecord(b, libxl.End, nil)
	r, err := libxl.ParseRecordHeader(b[libxl.HeaderSize:])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Type.Name(), r.Length)
	// Output: LIBXC_CONTEXT 0
}
