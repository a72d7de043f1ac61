package pipe

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// zstdMagic begins an ordinary frame.
const zstdMagic = "\x28\xb5\x2f\xfd"

// zeroFrame makes an ordinary frame of blocks that repeat a zero: four bytes for
// 128 KiB of content. Its window is of 128 KiB, or all of it if it is single.
func zeroFrame(blocks int, single bool) []byte {
	f := []byte(zstdMagic + "\x00\x38") // no checksum, no content size
	if single {
		f = binary.LittleEndian.AppendUint64([]byte(zstdMagic+"\xe4"), uint64(blocks)*zst.MaxBlock)
	}
	for i := range blocks {
		header := zst.MaxBlock<<3 | 1<<1
		if i == blocks-1 {
			header |= 1
		}
		f = append(f, byte(header), byte(header>>8), byte(header>>16), 0)
	}
	if single {
		f = append(f, 0, 0, 0, 0) // a checksum that is wrong
	}
	return f
}

// What a few bytes ask for is compared with a limit before it is given: each of
// these is refused by the rule that it breaks, with hardly anything allocated and
// nothing let out.
//
// Proves: TR-5, TR-10, TR-11, TR-13, TR-15, TR-20, TR-23, TR-24, TR-27, TR-28, TR-30, TR-33, TR-41, TR-60, TR-61, TR-80, TR-91, TR-92, TR-93
func TestHostileInput(t *testing.T) {
	const much = 1<<32 - 1
	h, a, end := header(), data(t, one), seal(true, one)
	ch, lock := ctxpipeHeader()
	good := join(h, a, end)
	large := zst.AppendHeader(nil, zst.Header{Chunk: MaxChunk})
	largeFast := zst.AppendHeader(nil, zst.Header{Chunk: MaxChunk, Wire: zst.WireCtxpipe})
	mandatory := zst.AppendHeader(nil, zst.Header{Chunk: testChunk, Optional: []byte("\x99\x80\x01\x00x")})
	version := slices.Clone(h)
	version[zst.SkippableHeaderSize+8] = 2
	version = append(version[:len(version)-4], checkOf(version)...)
	chunk := zst.AppendHeader(nil, zst.Header{Chunk: zst.MaxChunk + 1})
	short := whole(t, []byte("short"))
	ownHeader := func(mark string, size uint32) []byte {
		return append(zst.AppendSkippableHeader(nil, zst.MagicOwn, size), mark...)
	}
	fast := func(content uint32, size int) []byte {
		f := finishFast(append(zst.BeginFast(nil, content, zst.Digest{}), make([]byte, size)...))
		return slices.Concat(largeFast, lock, f)
	}
	lyingBlock := binary.AppendUvarint(zst.BeginFast(nil, 3, zst.DigestOf([]byte("abc"))), much)
	for _, c := range []struct {
		name   string
		stream []byte
		opt    RestoreOption // nil: the defaults
		rule   frame.Rule
		is     error
	}{
		// Windows.
		{"window of 512 MiB in 10 bytes", []byte(zstdMagic + "\x00\x98\x09\x00\x00x"), nil, "TR-80", frame.ErrTooLarge},
		{"largest window", []byte(zstdMagic + "\x00\xff\x09\x00\x00x"), nil, "TR-80", frame.ErrTooLarge},
		{"window, size known", []byte(zstdMagic + "\x40\x98\x01\x00\x09\x00\x00x"), nil, "TR-80", frame.ErrTooLarge},
		{"window just over a limit", []byte(zstdMagic + "\x00\x59\x09\x00\x00x"), WithMaxWindow(DefaultChunk), "TR-80", frame.ErrTooLarge},

		// Content sizes.
		{"content of 2^56, single segment", []byte(zstdMagic + "\xe0\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\x00"), nil, "TR-80", frame.ErrTooLarge},
		{"content of all ones", []byte(zstdMagic + "\xe0\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00"), nil, "TR-80", frame.ErrTooLarge},
		{"content of all ones, small window", []byte(zstdMagic + "\xc0\x00\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00"), nil, "TR-80", frame.ErrTooLarge},
		{"content that the blocks cannot hold", []byte(zstdMagic + "\xa0\x00\x00\x10\x00\x09\x00\x00x"), nil, "TR-24", frame.ErrCorrupt},
		{"content over the chunk", join(h, whole(t, make([]byte, testChunk+1), zstd.WithSingleSegment(true)), end), nil, "TR-20", frame.ErrCorrupt},
		{"content of a chunk that the blocks cannot hold", slices.Concat(large, []byte(zstdMagic+"\xa4\x00\x00\x00\x04\x09\x00\x00x....")), nil, "TR-24", frame.ErrCorrupt},
		{"content of 4 GiB in a data frame", slices.Concat(large, []byte(zstdMagic+"\xa4\xff\xff\xff\xff\x09\x00\x00x....")), nil, "TR-20", frame.ErrCorrupt},
		{"fast content over the chunk", fast(MaxChunk+1, 100), nil, "TR-27", frame.ErrCorrupt},
		{"fast content of a chunk, a block of nothing", fast(MaxChunk, 100), nil, "TR-28", frame.ErrCorrupt},
		{"fast block that names 4 GiB", slices.Concat(ch, lock, finishFast(lyingBlock)), nil, "TR-28", frame.ErrCorrupt},

		// Skippable frames, and ctxpipe's own.
		{"skippable of 4 GiB", zst.AppendSkippableHeader(nil, 0x184D2A50, much), nil, "TR-80", frame.ErrTooLarge},
		{"skippable just over the limit", append(skippable(0x184D2A50, "1234"), short...), WithMaxSkippable(3), "TR-80", frame.ErrTooLarge},
		{"skippable of the limit that is cut", zst.AppendSkippableHeader(nil, 0x184D2A50, 128<<20), nil, "TR-93", io.ErrUnexpectedEOF},
		{"header of 4 GiB", ownHeader("ctxpipeH", much), nil, "TR-10", frame.ErrTooLarge},
		{"header of nothing", ownHeader("ctxpipeH", 8), nil, "TR-10", frame.ErrCorrupt},
		{"seal of 4 GiB", slices.Concat(h, a, ownHeader("ctxpipeS", much)), nil, "TR-30", frame.ErrTooLarge},
		{"seal of nothing", slices.Concat(h, a, ownHeader("ctxpipeS", 8)), nil, "TR-30", frame.ErrCorrupt},
		{"fast frame of 4 GiB", slices.Concat(ch, lock, ownHeader("ctxpipeF\x05\x00\x00\x00", much), make([]byte, 99)), nil, "TR-27", frame.ErrCorrupt},

		// The header.
		{"header that asks for the largest chunk, and no more", large, nil, "TR-62", io.ErrUnexpectedEOF},
		{"chunk over the limit", zst.AppendHeader(nil, zst.Header{Chunk: MaxChunk + 1}), nil, "TR-80", frame.ErrTooLarge},
		{"chunk over what may be", chunk, nil, "TR-13", frame.ErrCorrupt},
		{"unknown mandatory field", join(mandatory, a, end), nil, "TR-15", frame.ErrUnsupported},
		{"unknown version", slices.Concat(version, a, end), nil, "TR-11", frame.ErrUnsupported},

		// Frames and output.
		{"frames", join(h, a, end), WithMaxFrames(2), "TR-80", frame.ErrTooLarge},
		{"foreign frames", bytes.Repeat(short, 100), WithMaxFrames(99), "TR-80", frame.ErrTooLarge},
		{"empty foreign frames", bytes.Repeat(whole(t, nil), 100), WithMaxFrames(99), "TR-80", frame.ErrTooLarge},
		{"skippable frames", bytes.Repeat(skippable(0x184D2A50, ""), 100), WithMaxFrames(99), "TR-80", frame.ErrTooLarge},
		{"output", good, WithMaxOutput(int64(len(one)) - 1), "TR-80", frame.ErrTooLarge},
		{"output of one data frame", slices.Concat(large, zeroFrame(512, true)), WithMaxOutput(MaxChunk - 1), "TR-80", frame.ErrTooLarge},
		{"output of one fast frame", fast(MaxChunk, 100), WithMaxOutput(MaxChunk - 1), "TR-80", frame.ErrTooLarge},
		{"output of one foreign frame", zeroFrame(64, true), WithMaxOutput(64*zst.MaxBlock - 1), "TR-80", frame.ErrTooLarge},
		{"output of one long foreign frame", zeroFrame(1024, true), WithMaxOutput(1024*zst.MaxBlock - 1), "TR-80", frame.ErrTooLarge},
		{"raw output", append([]byte("LibxlFmt"), make([]byte, 100)...), WithMaxOutput(107), "TR-80", frame.ErrTooLarge},

		// Frames longer than they say.
		{"more content than declared", join(h, []byte(zstdMagic+"\x24\x01\x11\x00\x00ababcd"), end), nil, "TR-24", frame.ErrCorrupt},
		{"empty blocks for ever", slices.Concat(h, []byte(zstdMagic+"\x24\x20"), make([]byte, 1<<20)), nil, "TR-23", frame.ErrCorrupt},
		{"padded fast frame", fast(5, 1<<10), nil, "TR-27", frame.ErrCorrupt},
		{"foreign, more content than declared", []byte(zstdMagic + "\x20\x01\x11\x00\x00ab"), nil, "TR-24", frame.ErrCorrupt},
		{"foreign, block too large", []byte(zstdMagic + "\x00\x58\xfb\xff\xffx"), nil, "TR-24", frame.ErrCorrupt},

		// Nested and repeated.
		{"header twice", join(h, h, a, end), nil, "TR-60", frame.ErrCorrupt},
		{"header behind data", join(h, a, h, end), nil, "TR-60", frame.ErrCorrupt},
		{"stream in a stream", slices.Concat(h, good), nil, "TR-60", frame.ErrCorrupt},
		{"stream in a skippable frame of a stream", slices.Concat(h, skippable(0x184D2A50, string(good))), nil, "TR-60", frame.ErrCorrupt},
		{"stream in a skippable frame", skippable(0x184D2A50, string(good)), nil, "TR-92", io.ErrUnexpectedEOF},
		{"stream in a frame of its own magic", skippable(zst.MagicOwn, string(good)), nil, "TR-5", frame.ErrCorrupt},
		{"stream behind another zstd's", slices.Concat(short, good), nil, "TR-91", frame.ErrCorrupt},
		{"two seals", join(h, a, end, end), nil, "TR-33", frame.ErrCorrupt},
		{"two locks", join(ch, lock, lock, a, end), nil, "TR-22", frame.ErrCorrupt},

		// Seek tables, and what is behind them.
		{"table of 4 GiB", slices.Concat(h, a, end, zst.AppendSkippableHeader(nil, zst.MagicSeekTable, much)), nil, "TR-41", frame.ErrCorrupt},
		{"table of one more", slices.Concat(h, a, end, table([][]byte{h, a, end, end})), nil, "TR-41", frame.ErrCorrupt},
		{"table of one less", slices.Concat(h, a, end, table([][]byte{h, a})), nil, "TR-41", frame.ErrCorrupt},
		{"table of other frames", slices.Concat(h, a, end, table([][]byte{h, data(t, two), end})), nil, "TR-42", frame.ErrCorrupt},
		{"table before the seal", join(h, a), nil, "TR-60", frame.ErrCorrupt},
		{"byte behind", append(bytes.Clone(good), 0), nil, "TR-61", frame.ErrCorrupt},
		{"much behind", append(bytes.Clone(good), make([]byte, 1<<20)...), nil, "TR-61", frame.ErrCorrupt},
		{"stream behind", slices.Concat(good, good), nil, "TR-61", frame.ErrCorrupt},
	} {
		var got []byte
		var err error
		opts := []RestoreOption{WithWorkers(2)}
		if c.opt != nil {
			opts = append(opts, c.opt)
		}
		n := allocated(func() { got, _, err = restore(t, c.stream, opts...) })
		wantRule(t, c.name, err, c.rule, c.is)
		if len(got) > 0 {
			t.Errorf("%s: %d bytes came out", c.name, len(got))
		}
		// The input's buffer, a codec where good frames come first, and the error.
		if most := uint64(8 * inputSize); n > most && !raceEnabled {
			t.Errorf("%s: %d bytes allocated for %d, at most %d are wanted", c.name, n, len(c.stream), most)
		}
	}
}

// 4 GiB of zeros fit into a few kilobytes, and are stopped at the limit, wherever
// they come from; memory stays what it is for other streams.
//
// Proves: TR-72, TR-80
func TestOutputBombs(t *testing.T) {
	const most = 64 << 20
	frame8M := zeroFrame(wholeForeign/zst.MaxBlock, false)
	long := zeroFrame(4<<30/zst.MaxBlock, false)
	large := whole(t, make([]byte, 1<<20), zstd.WithSingleSegment(true))
	for name, bomb := range map[string][]byte{
		"one frame":        long,
		"foreign frames":   bytes.Repeat(frame8M, 512),
		"sealed":           append(zst.AppendHeader(nil, zst.Header{Chunk: 1 << 20}), bytes.Repeat(large, 4096)...),
		"compressed twice": bytes.Repeat(whole(t, make([]byte, 6<<20)), 700),
	} {
		if len(bomb) > 500_000 {
			t.Fatalf("%s: a bomb of %d bytes", name, len(bomb))
		}
		var got int64
		var err error
		n := allocated(func() {
			rs := newTestRestorer(t, bytes.NewReader(bomb), WithWorkers(2), WithMaxOutput(most))
			defer rs.Close()
			got, err = rs.WriteTo(io.Discard)
		})
		wantRule(t, name, err, "TR-80", frame.ErrTooLarge)
		if got > most || got < most/2 {
			t.Errorf("%s: %d bytes came out", name, got)
		}
		if n > 100<<20 && !raceEnabled {
			t.Errorf("%s: %d bytes allocated for %d", name, n, len(bomb))
		}
		t.Logf("%s: %d bytes in, %d out, %d allocated, %v", name, len(bomb), got, n, err)
	}
}
