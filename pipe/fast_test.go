package pipe

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/zeebo/xxh3"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// fastFrameOf makes a fast frame that says about a block what it is told.
func fastFrameOf(content string, says string) []byte {
	f := zst.BeginFast(nil, uint32(len(says)), zst.DigestOf([]byte(says)))
	return finishFast(append(f, s2.Encode(nil, []byte(content))...))
}

func finishFast(f []byte) []byte {
	f, _ = zst.FinishFast(f, 0)
	return f
}

func fastFrameFor(content string) []byte { return fastFrameOf(content, content) }

// ctxpipeHeader gives header and lock of the wire ctxpipe.
func ctxpipeHeader() ([]byte, []byte) {
	return zst.AppendHeader(nil, zst.Header{Chunk: testChunk, Wire: zst.WireCtxpipe}), zst.AppendLock(nil)
}

// sealFor makes the seal that belongs behind frames with these contents.
func sealFor(final bool, frames [][]byte, contents ...string) []byte {
	var f zst.Fold
	for i, c := range contents {
		f.Add(itemOf(frames[i], c))
	}
	return zst.AppendSeal(nil, f.Seal(final))
}

// checkOf gives the check that one of ctxpipe's own frames has to have.
func checkOf(whole []byte) []byte {
	payload := whole[zst.SkippableHeaderSize : len(whole)-4]
	return binary.LittleEndian.AppendUint32(nil, uint32(xxh3.Hash(payload)))
}

// itemOf gives the item of a frame of either kind.
func itemOf(whole []byte, content string) zst.Item {
	if magic, _, err := zst.ParseSkippableHeader(whole); err == nil && magic == zst.MagicOwn {
		f, _ := zst.ParseFast(whole[zst.SkippableHeaderSize:])
		return f.Item()
	}
	return zst.ItemOf(whole, len(content), zst.ContentHash([]byte(content)))
}

// mixed is a stream of the wire ctxpipe with a fast frame, a data frame and a
// seal in the middle.
func mixed(t testing.TB) ([]byte, []byte) {
	h, l := ctxpipeHeader()
	a, b, c := fastFrameFor(one), data(t, two), fastFrameFor(three)
	return join(h, l, a, b, sealFor(false, [][]byte{a, b}, one, two), c, sealFor(true, [][]byte{a, b, c}, one, two, three)),
		[]byte(one + two + three)
}

func TestWireCtxpipe(t *testing.T) {
	stream, payload := mixed(t)
	got, info, err := restore(t, stream)
	if err != nil || !bytes.Equal(got, payload) || info.Kind != Sealed || info.Wire != zst.WireCtxpipe || info.Frames != 3 {
		t.Errorf("%q, %+v, %v", got, info, err)
	}
}

// Proves: TR-3, TR-26, TR-27, TR-28, TR-29
func TestFastFramesRefused(t *testing.T) {
	h, l := ctxpipeHeader()
	a := fastFrameFor(one)
	end := sealFor(true, [][]byte{a}, one)
	long := string(make([]byte, testChunk+1))
	whole := func(f []byte) []byte { return join(h, l, f, sealFor(true, [][]byte{f}, one)) }
	reserved := bytes.Clone(a[:len(a)-4])
	reserved[zst.SkippableHeaderSize+12] = 1
	for _, c := range []struct {
		name   string
		stream []byte
		rule   frame.Rule
		is     error
	}{
		{"on the wire zstd", join(header(), a, end), "TR-26", frame.ErrCorrupt},
		{"lock on the wire zstd", join(header(), l, a, end), "TR-22", frame.ErrCorrupt},
		{"no lock", join(h, a, end), "TR-29", frame.ErrCorrupt},
		{"two locks", join(h, l, l, a, end), "TR-22", frame.ErrCorrupt},
		{"over the chunk", whole(fastFrameFor(long)), "TR-27", frame.ErrCorrupt},
		{"padded", whole(finishFast(append(a[:len(a)-4:len(a)-4], make([]byte, 100)...))), "TR-27", frame.ErrCorrupt},
		{"reserved", whole(finishFast(reserved)), "TR-27", frame.ErrCorrupt},
		{"other content", whole(fastFrameOf(one, two)), "TR-28", frame.ErrCorrupt},
		{"other digest", whole(fastFrameOf(one, one[:len(one)-1]+"?")), "TR-28", frame.ErrCorrupt},
		{"no block", whole(finishFast(append(zst.BeginFast(nil, 3, zst.DigestOf([]byte("abc"))), "\x03\x7c"...))), "TR-28", frame.ErrCorrupt},
	} {
		got, _, err := restore(t, c.stream)
		wantRule(t, c.name, err, c.rule, c.is)
		if len(got) != 0 {
			t.Errorf("%s: %d bytes came out", c.name, len(got))
		}
	}
}

// A chunk that packs little is looked at closer: what it repeats from far away is found. Others are
// not, which would take them twice the time.
func TestFastLooksCloser(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pages := make([]byte, 1<<20)
	for i := range pages {
		pages[i] = byte(random.Uint32())
	}
	const page = 4096
	again := bytes.Clone(pages)
	for _, i := range random.Perm(len(pages) / page) {
		again = append(again, pages[i*page:][:page]...)
	}
	sparse := make([]byte, 2<<20)
	for i := range sparse {
		sparse[i] = byte(random.Uint32()) & 0x11 // two bits in each
	}
	for name, c := range map[string]struct {
		content []byte
		closer  bool
	}{"repeats": {again, true}, "sparse": {sparse, false}} {
		made, _ := madeBy(string(c.content), (*frameMaker).fast)
		f, err := zst.ParseFast(made[zst.SkippableHeaderSize:])
		if err != nil {
			t.Fatal(err)
		}
		quick, closer := s2.Encode(nil, c.content), s2.EncodeBetter(nil, c.content)
		want := quick
		if c.closer {
			want = closer
		}
		if !bytes.Equal(f.Block, want) || bytes.Equal(quick, closer) || c.closer && len(closer) > len(quick)*3/4 {
			t.Errorf("%s: a block of %d bytes, %d by a quick look, %d by a closer one", name, len(f.Block), len(quick), len(closer))
		}
	}
}
