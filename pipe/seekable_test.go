package pipe_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/pipe"
)

// seekable reads ranges by the rules of the zstd seekable format alone: it knows
// the footer, the entries, and frames that any zstd decodes, and nothing of
// ctxpipe.
type seekable struct {
	file    []byte
	entries []seekEntry
}

type seekEntry struct {
	compressed, decompressed uint32
	at, content              int64
}

func openSeekable(t *testing.T, file []byte) seekable {
	t.Helper()
	footer := file[len(file)-9:]
	if got := binary.LittleEndian.Uint32(footer[5:]); got != 0x8F92EAB1 {
		t.Fatalf("Seekable_Magic_Number is %#x", got)
	}
	descriptor := footer[4]
	if descriptor&0x7c != 0 {
		t.Fatalf("reserved bits of Seek_Table_Descriptor: %#x", descriptor)
	}
	size := 8
	if descriptor&0x80 != 0 {
		size = 12 // with checksums
	}
	n := int(binary.LittleEndian.Uint32(footer))
	table := file[len(file)-9-n*size-8:]
	if magic, length := binary.LittleEndian.Uint32(table), binary.LittleEndian.Uint32(table[4:]); magic != 0x184D2A5E || int(length) != n*size+9 {
		t.Fatalf("Skippable_Magic_Number %#x, Frame_Size %d for %d entries", magic, length, n)
	}
	s := seekable{file: file}
	at, content := int64(0), int64(0)
	for i := range n {
		b := table[8+i*size:]
		e := seekEntry{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), at, content}
		s.entries = append(s.entries, e)
		at += int64(e.compressed)
		content += int64(e.decompressed)
	}
	if at != int64(len(file)-len(table)) {
		t.Fatalf("entries add up to %d, the table is at %d", at, len(file)-len(table))
	}
	return s
}

// read gives n bytes at off, decoding the frames that have them and no others.
func (s seekable) read(t *testing.T, dec *zstd.Decoder, off, n int64) []byte {
	t.Helper()
	var out []byte
	for _, e := range s.entries {
		end := e.content + int64(e.decompressed)
		if end <= off || e.content >= off+n {
			continue
		}
		b, err := dec.DecodeAll(s.file[e.at:][:e.compressed], nil)
		if err != nil || len(b) != int(e.decompressed) {
			t.Fatalf("frame at %d: %d bytes, %v", e.at, len(b), err)
		}
		out = append(out, b[max(0, off-e.content):min(int64(len(b)), off+n-e.content)]...)
	}
	return out
}

// Tools that know the seekable format can address our payload.
//
// Proves: TR-2, TR-40, TR-41
func TestSeekableFormat(t *testing.T) {
	payload := make([]byte, 5*pipe.MinChunk+1234)
	rng := rand.NewChaCha8([32]byte{7})
	rng.Read(payload[pipe.MinChunk : 3*pipe.MinChunk])
	var file bytes.Buffer
	c, err := pipe.NewCompressor(&file, pipe.WithChunk(pipe.MinChunk))
	if err != nil {
		t.Fatal(err)
	}
	for part := payload; len(part) > 0; part = part[min(len(part), 100_000):] {
		if _, err := c.Write(part[:min(len(part), 100_000)]); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(); err != nil { // frames of many sizes
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	s := openSeekable(t, file.Bytes())
	ours, err := pipe.NewReaderAt(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	pick := rand.New(rand.NewPCG(8, 9))
	for range 100 {
		off := pick.Int64N(int64(len(payload)))
		n := pick.Int64N(int64(len(payload)) - off + 1)
		got, want := s.read(t, dec, off, n), payload[off:off+n]
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes at %d: %d, by the seekable format", n, off, len(got))
		}
		p := make([]byte, n)
		if _, err := ours.ReadAt(p, off); err != nil && err != io.EOF || !bytes.Equal(p, want) {
			t.Fatalf("%d bytes at %d: by ReaderAt: %v", n, off, err)
		}
	}
}
