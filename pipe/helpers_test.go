package pipe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

const testChunk = MinChunk

var errSource = errors.New("source failed")

// payloads gives a payload of n bytes of each sort.
func payloads(n int) map[string][]byte {
	random := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(random)
	words := make([]byte, n)
	for i := range words {
		words[i] = "guest memory is secret "[(i+i/97)%23] ^ random[i]>>7
	}
	return map[string][]byte{"zero": make([]byte, n), "random": random, "words": words}
}

// compress gives the sealed stream of a payload.
func compress(t testing.TB, payload []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	c := newTestCompressor(t, &b)
	if _, err := c.Write(payload); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func newTestCompressor(t testing.TB, w io.Writer, opts ...Option) *Compressor {
	t.Helper()
	c, err := NewCompressor(w, append([]Option{WithChunk(testChunk), WithLevel(LevelFastest)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	balances(t, c.line.pool.Loans)
	return c
}

func newTestRestorer(t testing.TB, r io.Reader, opts ...RestoreOption) *Restorer {
	t.Helper()
	rs, err := NewRestorer(r, opts...)
	if err != nil {
		t.Fatal(err)
	}
	balances(t, rs.loans)
	return rs
}

func (r *Restorer) loans() int64 { return r.pools.in.Loans() + r.pools.out.Loans() }

// restore gives what came out of a stream and the error that ended it, nil for
// io.EOF. It demands that errors stick and that buffers come back.
func restore(t testing.TB, stream []byte, opts ...RestoreOption) ([]byte, Info, error) {
	t.Helper()
	return restoreFrom(t, bytes.NewReader(stream), opts...)
}

func restoreFrom(t testing.TB, r io.Reader, opts ...RestoreOption) ([]byte, Info, error) {
	t.Helper()
	rs, err := NewRestorer(r, opts...) // balanced here, since some tests make very many
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	_, err = rs.WriteTo(&out)
	if err != nil {
		if n, again := rs.Read(make([]byte, 1)); n != 0 || again != err {
			t.Errorf("after %q: %d bytes, error %v", err, n, again)
		}
		if n := rs.loans(); n != 0 {
			t.Errorf("%d buffers out after a failure", n)
		}
	}
	info := rs.Info()
	if err := rs.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if n := rs.loans(); n != 0 {
		t.Errorf("%d buffers out after Close", n)
	}
	return out.Bytes(), info, err
}

// allocated gives the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// wantRule demands an error of one rule and sentinel.
func wantRule(t testing.TB, name string, err error, rule frame.Rule, is error) {
	t.Helper()
	var e *frame.Error
	if !errors.As(err, &e) || e.Rule != rule || (e.Layer == zst.Layer) != strings.HasPrefix(string(rule), "TR-") || !errors.Is(err, is) {
		t.Errorf("%s: error %v, want one of rule %s that is %v", name, err, rule, is)
	}
}

// split cuts a stream into its frames.
func split(t testing.TB, stream []byte) [][]byte {
	t.Helper()
	var frames [][]byte
	for len(stream) > 0 {
		n := 0
		if magic, size, err := zst.ParseSkippableHeader(stream); err == nil && magic != 0 {
			n = zst.SkippableHeaderSize + int(size)
		} else {
			var w zst.Walker
			for w.Need() > 0 {
				if err := w.Step(stream[w.Pos():]); err != nil {
					t.Fatal(err)
				}
			}
			n = int(w.Pos())
		}
		frames = append(frames, stream[:n:n])
		stream = stream[n:]
	}
	return frames
}

func isData(f []byte) bool { return binary.LittleEndian.Uint32(f) == zst.MagicFrame }

// table makes the seek table for frames.
func table(frames [][]byte) []byte {
	var t zst.Table
	for _, f := range frames {
		e := zst.EmptyEntry(len(f))
		if h, err := zst.ParseFrameHeader(f); err == nil && h.ContentSize > 0 {
			e = zst.DataEntry(f, int(h.ContentSize))
		}
		if fast, err := zst.ParseFast(f[zst.SkippableHeaderSize:]); err == nil {
			e = zst.FastEntry(f, fast)
		}
		t.Add(e)
	}
	return t.Finish()
}

// join makes a stream of frames with a seek table that agrees with them.
func join(frames ...[]byte) []byte {
	return append(bytes.Join(frames, nil), table(frames)...)
}

func header() []byte { return zst.AppendHeader(nil, zst.Header{Chunk: testChunk}) }

// data makes a data frame.
func data(t testing.TB, content string) []byte {
	t.Helper()
	f, _ := encoded(content)
	return f
}

// jobOf gives a job that is about to be encoded, and madeBy makes its frame.
func jobOf(content string) *job { return &job{size: len(content), content: []byte(content)} }

func madeBy(content string, make func(m *frameMaker, j *job)) ([]byte, encodedFrame) {
	size := frameSize(len(content))
	m := frameMaker{most: LevelAuto, out: bufpool.New(size, size)}
	j := jobOf(content)
	make(&m, j)
	frame := bytes.Join(j.made.vec, nil)
	j.putOut(m.out)
	return frame, j.made
}

func encoded(content string) ([]byte, encodedFrame) {
	return madeBy(content, func(m *frameMaker, j *job) { m.zstd(j, LevelFastest) }) // also what does not shrink
}

// seal makes the seal that belongs behind data frames with these contents.
func seal(final bool, contents ...string) []byte {
	var f zst.Fold
	for _, c := range contents {
		_, made := encoded(c)
		f.Add(made.item)
	}
	return zst.AppendSeal(nil, f.Seal(final))
}

// streamed makes a foreign frame without a content size.
func streamed(t testing.TB, content []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	enc, err := zstd.NewWriter(&b, append([]zstd.EOption{zstd.WithEncoderConcurrency(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	// In pieces, or the encoder learns the size after all.
	for part := content; len(part) > 0; part = part[min(len(part), 1000):] {
		enc.Write(part[:min(len(part), 1000)])
		if len(part) == len(content) {
			enc.Flush()
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// whole makes a foreign frame with a content size.
func whole(t testing.TB, content []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithEncoderConcurrency(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	return enc.EncodeAll(content, nil)
}

func skippable(magic uint32, payload string) []byte {
	return append(zst.AppendSkippableHeader(nil, magic, uint32(len(payload))), payload...)
}
