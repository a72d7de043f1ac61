package zst

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
)

// Proves: TR-1, TR-41
func TestTableBytes(t *testing.T) {
	var table Table
	table.Add(EmptyEntry(28))
	table.Add(DataEntry([]byte("...xabcd"), 5))
	want, _ := hex.DecodeString("5e2a4d18" + "21000000" +
		"1c000000" + "00000000" + "99e9d851" +
		"08000000" + "05000000" + "61626364" +
		"02000000" + "80" + "b1ea928f")
	if got := table.Finish(); !bytes.Equal(got, want) {
		t.Fatalf("table\n%x, want\n%x", got, want)
	}
	var empty Table
	want, _ = hex.DecodeString("5e2a4d18" + "09000000" + "00000000" + "80" + "b1ea928f")
	if got := empty.Finish(); !bytes.Equal(got, want) {
		t.Fatalf("empty table\n%x, want\n%x", got, want)
	}
}

// Proves: TR-42
func TestTableFold(t *testing.T) {
	var table Table
	var a, b, c TableFold
	for i := range 1000 {
		e := Entry{Compressed: uint32(i), Content: uint32(2 * i), Checksum: uint32(3 * i)}
		table.Add(e)
		a.Add(e)
	}
	whole := table.Finish()
	entries := whole[SkippableHeaderSize : len(whole)-FooterSize]
	for len(entries) > 0 {
		n := min(7, len(entries))
		b.Write(entries[:n])
		entries = entries[n:]
	}
	if a.Digest() != b.Digest() {
		t.Error("entries in pieces differ from entries one by one")
	}
	whole[SkippableHeaderSize+5000] ^= 1
	c.Write(whole[SkippableHeaderSize : len(whole)-FooterSize])
	if a.Digest() == c.Digest() {
		t.Error("a changed entry is not seen")
	}
}

// Proves: TR-41
func TestParseFooter(t *testing.T) {
	good := AppendFooter(nil, 77)
	if n, err := ParseFooter(good); n != 77 || err != nil {
		t.Fatalf("ParseFooter = %d, %v", n, err)
	}
	for i := 4; i < FooterSize; i++ {
		b := bytes.Clone(good)
		b[i] ^= 4
		_, err := ParseFooter(b)
		wantError(t, "changed footer", err, "TR-41", frame.ErrCorrupt)
	}
	if _, err := ParseFooter(good[:8]); err == nil {
		t.Error("short footer accepted")
	}
}

func TestEntryRoundTrip(t *testing.T) {
	e := Entry{Compressed: 1 << 31, Content: 2, Checksum: 0xfedcba98}
	if got := ParseEntry(append(AppendEntry(nil, e), "behind"...)); got != e {
		t.Errorf("%+v, want %+v", got, e)
	}
}
