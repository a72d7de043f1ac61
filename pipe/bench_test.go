package pipe

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
)

// benchPayload looks a little like guest memory: a quarter zero pages, some
// random ones, the rest words.
func benchPayload() []byte {
	const page, pages = 4096, 16384
	rng := rand.New(rand.NewPCG(1, 2))
	words := payloads(64 * page)["words"]
	random := payloads(64 * page)["random"]
	p := make([]byte, 0, page*pages)
	for range pages {
		at := rng.IntN(63 * page)
		switch n := rng.IntN(8); {
		case n < 2:
			p = append(p, make([]byte, page)...)
		case n < 3:
			p = append(p, random[at:at+page]...)
		default:
			p = append(p, words[at:at+page]...)
		}
	}
	return p
}

// only hides every method but Read or Write, so that no copy is short-cut.
type onlyReader struct{ io.Reader }
type onlyWriter struct{ io.Writer }

// BenchmarkFloor moves the payload through a buffer of one chunk and does
// nothing else.
func BenchmarkFloor(b *testing.B) {
	payload := benchPayload()
	buf := make([]byte, DefaultChunk)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.CopyBuffer(onlyWriter{io.Discard}, onlyReader{bytes.NewReader(payload)}, buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	payload := benchPayload()
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	var out int64
	for b.Loop() {
		c, err := NewCompressor(io.Discard)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.ReadFrom(bytes.NewReader(payload)); err != nil {
			b.Fatal(err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
		out = c.Stats().BytesOut
	}
	b.ReportMetric(float64(len(payload))/float64(out), "ratio")
}

func BenchmarkRestore(b *testing.B) {
	payload := benchPayload()
	var stream bytes.Buffer
	c, err := NewCompressor(&stream)
	if err != nil {
		b.Fatal(err)
	}
	c.Write(payload)
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		rs, err := NewRestorer(bytes.NewReader(stream.Bytes()))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := rs.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
		rs.Close()
	}
}
