package pipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/zenc"
)

// brokenEncoder flips a bit of what an encoder makes.
type brokenEncoder struct{ blockEncoder }

func (e brokenEncoder) Append(dst []byte, effort zenc.Effort, content []byte) []byte {
	out := e.blockEncoder.Append(dst, effort, content)
	out[(len(dst)+len(out))/2] ^= 4
	return out
}

// Verifying costs nothing but time: the stream is the same.
func TestVerifyEncode(t *testing.T) {
	for name, payload := range payloads(3*testChunk + 5000) {
		for l, opts := range levelOptions() {
			if l == LevelAuto {
				continue // it may choose differently
			}
			var b bytes.Buffer
			c := newTestCompressor(t, &b, append(opts, WithVerifyEncode())...)
			c.Write(payload)
			if err := c.Close(); err != nil {
				t.Errorf("%s, %v: %v", name, l, err)
			}
			var plain bytes.Buffer
			other := newTestCompressor(t, &plain, opts...)
			other.Write(payload)
			if err := other.Close(); err != nil || !bytes.Equal(b.Bytes(), plain.Bytes()) {
				t.Errorf("%s, %v: other bytes, %v", name, l, err)
			}
			if s := c.Stats(); s.VerifySeconds <= 0 || s.CodecFailures != 0 || s.Levels != other.Stats().Levels {
				t.Errorf("%s, %v: %+v", name, l, s)
			}
			if s := other.Stats(); s.VerifySeconds != 0 {
				t.Errorf("%s, %v: %v s without verifying", name, l, s.VerifySeconds)
			}
		}
	}
}

// What a broken codec makes does not reach the wire, and is counted. Without
// verifying it does reach it, and a Restorer refuses it.
func TestVerifyEncodeFindsABrokenCodec(t *testing.T) {
	payload := payloads(5 * testChunk)["words"]
	for _, l := range []Level{LevelFastest, LevelDefault, LevelBetter, LevelBest} {
		for _, verify := range []bool{true, false} {
			opts := []Option{WithLevel(l), WithWorkers(2)}
			if verify {
				opts = append(opts, WithVerifyEncode())
			}
			var b bytes.Buffer
			c := newTestCompressor(t, &b, opts...)
			for _, m := range c.line.makers {
				m.encoder = brokenEncoder{zenc.New(zenc.Optimal)}
			}
			c.Write(payload)
			if err := c.Close(); err != nil {
				t.Fatalf("%v: %v", l, err)
			}
			got, _, err := restore(t, b.Bytes())
			s := c.Stats()
			if !verify {
				if err == nil || s.CodecFailures != 0 || s.Levels[l] != 5 {
					t.Errorf("%v, not verified: %d bytes, %v, %+v", l, len(got), err, s)
				}
				continue
			}
			if err != nil || !bytes.Equal(got, payload) {
				t.Errorf("%v: %d bytes, %v", l, len(got), err)
			}
			if s.CodecFailures != 5 || s.Levels[LevelElide] != 5 || s.VerifySeconds <= 0 || s.BytesOut != int64(b.Len()) {
				t.Errorf("%v: %+v", l, s)
			}
			listed, err := list(t, b.Bytes())
			if err != nil || listed.Elided != 5 || listed.Levels[LevelElide] != 5 {
				t.Errorf("%v: %+v, %v", l, listed, err)
			}
		}
	}
}

// If not even the frame without a codec decodes, the stream is never sealed.
//
// Proves: TR-50
func TestVerifyEncodeGivesUp(t *testing.T) {
	payload := payloads(5 * testChunk)["words"]
	for l, opts := range levelOptions() {
		if l == LevelFast {
			continue // needs no codec; see TestVerifierSeesEveryFlippedBit
		}
		var b bytes.Buffer
		c := newTestCompressor(t, &b, append(opts, WithVerifyEncode(), WithWorkers(1))...)
		c.Write(payload[:testChunk])
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
		// A decoder with too small a limit decodes nothing any more.
		codec, err := newCodec(1, 1<<10)
		if err != nil {
			t.Fatal(err)
		}
		v := c.line.makers[0].verify
		v.codec, v.content = codec, v.content[:0:0]
		_, err = c.Write(payload[testChunk:])
		err = errors.Join(err, c.Close())
		if where := fmt.Sprintf("frame at offset %d: ", testChunk); !errors.Is(err, ErrCodec) || !strings.HasPrefix(err.Error(), where) {
			t.Errorf("%v: %v", l, err)
		}
		if got, _, err := restore(t, b.Bytes()); !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != 0 {
			t.Errorf("%v: %d bytes, %v", l, len(got), err)
		}
	}
}

// The verifier accepts what a level has made, and no frame with a flipped bit that
// changes what a decoder gives; nor a good frame of another content.
func TestVerifierSeesEveryFlippedBit(t *testing.T) {
	content := testText(300)
	plain, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(testChunk))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	for l := LevelElide; l < LevelAuto; l++ {
		v, err := newVerifier(testChunk)
		if err != nil {
			t.Fatal(err)
		}
		f, _ := madeAt(t, content, l)
		made := func(f []byte, content string) *job {
			j := jobOf(content)
			j.made.level, j.made.vec = l, [][]byte{f}
			if l == LevelElide {
				j.made.vec = [][]byte{nil, f[:9], f[9:]}
			}
			return j
		}
		if !v.good(made(f, content)) {
			t.Errorf("%v: a good frame is none", l)
		}
		if v.good(made(f, content[:299]+"?")) || v.good(made(f, content[:299])) || v.good(made(f, content+"?")) {
			t.Errorf("%v: good for another content", l)
		}
		refused := 0
		for bit := range 8 * len(f) {
			f[bit/8] ^= 1 << (bit % 8)
			if v.good(made(f, content)) {
				if got, err := plain.DecodeAll(f, nil); err != nil || string(got) != content {
					t.Errorf("%v: bit %d is not seen", l, bit)
				}
			} else {
				refused++
			}
			f[bit/8] ^= 1 << (bit % 8)
		}
		t.Logf("%v: %d bits, %d refused", l, 8*len(f), refused)
		if refused < 7*len(f) {
			t.Errorf("%v: only %d bits refused", l, refused)
		}
	}
	// A fast frame whose block is that of another content, with a check that is right.
	v, err := newVerifier(testChunk)
	if err != nil {
		t.Fatal(err)
	}
	j := jobOf(one)
	j.made.level = LevelFast
	for name, f := range map[string][]byte{"other size": fastFrameOf(two, one), "same size": fastFrameOf(one[:len(one)-1]+"?", one), "no block": finishFast(zst.BeginFast(nil, uint32(len(one)), zst.Digest{}))} {
		if j.made.vec = [][]byte{f}; v.good(j) {
			t.Errorf("fast frame of %s is good", name)
		}
	}
}
