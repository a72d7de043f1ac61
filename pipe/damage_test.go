package pipe

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/bufpool"
)

const one, two, three = "the first frame, the first frame", "the second, which is of another size", "and the third"

// small gives small sealed streams of several frames, with their payloads: one
// of each wire with frames of all its levels, seals in the middle and a final seal that
// counts the levels; one as a Compressor makes it, with more content than is held
// back; one of short frames; and one whose blocks have larger entropy tables.
func small(t testing.TB) map[string][2][]byte {
	long := bytes.Repeat([]byte("0123456789abcdef"), (2*testChunk+64)/16)
	text := testText(2000)
	m := map[string][2][]byte{
		"text":  {join(header(), data(t, text[:1200]), data(t, text[1200:]), seal(true, text[:1200], text[1200:])), []byte(text)},
		"made":  {compress(t, long), long},
		"short": {wellFormed(t), []byte(one + two + three)},
	}
	for _, wire := range []zst.Wire{zst.WireZstd, zst.WireCtxpipe} {
		stream, payload := allLevels(t, wire)
		m["levels, "+wire.String()] = [2][]byte{stream, payload}
	}
	return m
}

// testText gives n bytes that compress as text does.
func testText(n int) string {
	words := strings.Fields("the save stream of a guest holds pages that repeat and others which do not, records, lengths and 0123456789")
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[rng.IntN(len(words))] + " ")
	}
	return b.String()[:n]
}

func wellFormed(t testing.TB) []byte {
	return join(header(), data(t, one), seal(false, one), data(t, two), data(t, three), seal(true, one, two, three))
}

// Proves: TR-16, TR-32
func TestSealInTheMiddle(t *testing.T) {
	got, info, err := restore(t, wellFormed(t))
	if err != nil || string(got) != one+two+three || info.Frames != 3 {
		t.Errorf("%q, %+v, %v", got, info, err)
	}
	unknown := zst.AppendHeader(nil, zst.Header{Chunk: testChunk, Optional: []byte("\x77\x00\x01\x00x")})
	if _, _, err := restore(t, join(unknown, seal(true))); err != nil {
		t.Errorf("unknown optional field: %v", err)
	}
}

// refused demands that a damaged stream is refused, by one of the rules if any are
// given, and that no more came out of it than the first bytes of its payload, without
// what is held back.
func refused(t *testing.T, what string, stream, payload []byte, rules ...frame.Rule) {
	t.Helper()
	got, info, err := restore(t, stream)
	var e *frame.Error
	if !errors.As(err, &e) || !ofAKind(err) || len(rules) > 0 && !slices.Contains(rules, e.Rule) {
		t.Errorf("%s: %+v, %v", what, info, err)
	}
	if len(got) > max(0, len(payload)-testChunk) || !bytes.HasPrefix(payload, got) {
		t.Errorf("%s: %d of %d bytes came out", what, len(got), len(payload))
	}
}

// inEachSmall runs a test on each small stream, several at a time, and logs how
// many damaged ones it made of it.
func inEachSmall(t *testing.T, damages string, test func(t *testing.T, stream, payload []byte) int) {
	for name, s := range small(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := test(t, s[0], s[1])
			if n < len(s[0])/50 {
				t.Errorf("only %d were tried", n)
			}
			if !t.Failed() {
				t.Logf("%d bytes: %d %s, all refused", len(s[0]), n, damages)
			}
		})
	}
}

// Wherever a stream is cut, that is seen, and it never comes out whole.
//
// Proves: TR-62, TR-72
func TestEveryCut(t *testing.T) {
	inEachSmall(t, "cuts", func(t *testing.T, stream, payload []byte) int {
		for n := range stream {
			refused(t, fmt.Sprint("cut at ", n), stream[:n], payload, "TR-62")
		}
		return len(stream)
	})
}

// Whichever bit is flipped, that is seen, also where the codec would not mind.
//
// Proves: TR-4, TR-25, TR-32, TR-42, TR-72, TR-91
func TestEveryBitFlip(t *testing.T) {
	inEachSmall(t, "flipped bits", func(t *testing.T, stream, payload []byte) int {
		b := bytes.Clone(stream)
		for bit := range 8 * len(b) {
			b[bit/8] ^= 1 << (bit % 8)
			refused(t, fmt.Sprint("bit ", bit), b, payload)
			b[bit/8] ^= 1 << (bit % 8)
		}
		return 8 * len(b)
	})
}

// No flipped bit in the first bytes makes of a compressed stream one of another
// kind that passes, not even where raw input is forced through.
//
// Proves: TR-91, TR-96
func TestNoBitFlipMakesAnotherKind(t *testing.T) {
	streams := small(t)
	streams["empty"] = [2][]byte{compress(t, nil)}
	streams["foreign"] = [2][]byte{whole(t, []byte(one))}
	streams["skippable first"] = [2][]byte{append(skippable(0x184D2A50, "x"), whole(t, []byte(one))...)}
	for name, s := range streams {
		for bit := range 8 * 32 {
			b := bytes.Clone(s[0])
			b[bit/8] ^= 1 << (bit % 8)
			for _, opts := range [][]RestoreOption{nil, {WithForce()}} {
				got, info, err := restore(t, b, opts...)
				// Of the magic of a skippable frame, four bits do not matter to foreign zstd,
				// nor what is in it; and zstd has bits that nothing depends on.
				if sealed := s[1] != nil || name == "empty"; err == nil && (sealed || info.Kind != Foreign || string(got) != one) {
					t.Errorf("%s, bit %d, %d options: %d bytes, %+v", name, bit, len(opts), len(got), info)
				}
				listed, err := list(t, b, opts...)
				if listed.Kind == Raw && err == nil || s[1] != nil && listed.Kind == Foreign && err == nil {
					t.Errorf("%s, bit %d, %d options: listed as %+v", name, bit, len(opts), listed)
				}
			}
		}
	}
}

// A byte that is lost, or one too many, is seen at every place.
//
// Proves: TR-61, TR-72
func TestEveryByteLostOrAdded(t *testing.T) {
	inEachSmall(t, "bytes lost or added", func(t *testing.T, stream, payload []byte) int {
		tried := 0
		for at := range len(stream) + 1 {
			damaged := [][]byte{slices.Insert(bytes.Clone(stream), at, 0), slices.Insert(bytes.Clone(stream), at, 0xff)}
			if at < len(stream) {
				damaged = append(damaged, slices.Delete(bytes.Clone(stream), at, at+1))
			}
			for _, b := range damaged {
				refused(t, fmt.Sprintf("at %d, %d bytes more", at, len(b)-len(stream)), b, payload)
				tried++
			}
		}
		return tried
	})
}

// Whatever follows a whole stream is refused: any byte, any of its frames, all of
// it.
//
// Proves: TR-61
func TestEverythingAppended(t *testing.T) {
	inEachSmall(t, "appended to", func(t *testing.T, stream, payload []byte) int {
		more := append(split(t, stream), stream, make([]byte, 1<<20), skippable(0x184D2A50, ""), []byte("LibxlFmt"))
		for b := range 256 {
			more = append(more, []byte{byte(b)})
		}
		for i, m := range more {
			refused(t, fmt.Sprint("appended ", i), slices.Concat(stream, m), payload, "TR-61")
		}
		return len(more)
	})
}

// Whichever frames are removed, doubled, swapped or moved is seen; also where the
// seek table agrees with what stands there, as one would that was made afterwards.
// Only a seal in the middle may then be missing or doubled, since streams with more
// of them or fewer are as good, and nothing of the payload is lost.
//
// Proves: TR-3, TR-32, TR-33, TR-40, TR-42, TR-60
func TestEveryFrameOutOfPlace(t *testing.T) {
	inEachSmall(t, "streams with frames out of place", func(t *testing.T, stream, payload []byte) int {
		all := split(t, stream)
		frames, old := all[:len(all)-1], all[len(all)-1]
		tried, harmless := 0, 0
		damaged := func(what string, f [][]byte) {
			body := bytes.Join(f, nil)
			if bytes.Equal(body, stream[:len(stream)-len(old)]) {
				return // frames may have the same bytes
			}
			content := contentOf(t, f)
			refused(t, what+", old table", slices.Concat(body, old), content)
			got, _, err := restore(t, join(f...))
			if err == nil && bytes.Equal(got, payload) && bytes.Equal(withoutSeals(f), withoutSeals(frames)) {
				harmless++
				return
			}
			refused(t, what, join(f...), content)
			tried += 2
		}
		for i := range frames {
			for j := range len(frames) + 1 {
				if i < j {
					damaged(fmt.Sprintf("%d to %d removed", i, j), slices.Delete(slices.Clone(frames), i, j))
				}
				damaged(fmt.Sprintf("%d again before %d", i, j), slices.Insert(slices.Clone(frames), j, frames[i]))
				if j == len(frames) {
					continue
				}
				swapped := slices.Clone(frames)
				swapped[i], swapped[j] = swapped[j], swapped[i]
				damaged(fmt.Sprintf("%d and %d swapped", i, j), swapped)
				damaged(fmt.Sprintf("%d moved to %d", i, j), slices.Insert(slices.Delete(slices.Clone(frames), i, i+1), j, frames[i]))
				instead := slices.Clone(frames)
				instead[i] = frames[j]
				damaged(fmt.Sprintf("%d instead of %d", j, i), instead)
			}
		}
		t.Logf("%d more differ only in a seal in the middle", harmless)
		return tried
	})
}

// withoutSeals gives frames without the seals that are not final.
func withoutSeals(frames [][]byte) []byte {
	var b []byte
	for _, f := range frames {
		if s, err := zst.ParseSeal(f[zst.SkippableHeaderSize:]); err != nil || s.Final {
			b = append(b, f...)
		}
	}
	return b
}

// contentOf gives the content of all frames.
func contentOf(t *testing.T, frames [][]byte) (content []byte) {
	dec := decoder{workers: 1, limit: testChunk}
	defer dec.close()
	out := bufpool.New(0, 0)
	for b := table(frames)[zst.SkippableHeaderSize:]; len(b) > zst.FooterSize; b, frames = b[zst.EntrySize:], frames[1:] {
		e := zst.ParseEntry(b)
		if e.Content == 0 {
			continue
		}
		f := part{kind: partZstd, frame: frames[0], size: int(e.Content)}
		if !isData(f.frame) {
			f.kind = partFast
			f.fast, _ = zst.ParseFast(f.frame[zst.SkippableHeaderSize:])
		}
		if dec.decode(&f, out); f.err != nil {
			t.Fatal(f.err)
		}
		content = append(content, f.out.B...)
		out.Put(f.out)
	}
	return content
}

// Frames that are each right, in an order that is not. The seek table agrees
// with what stands there, so only the seal can tell.
//
// Proves: TR-32
func TestFramesOutOfPlace(t *testing.T) {
	h, a, b, c := header(), data(t, one), data(t, two), data(t, three)
	end := seal(true, one, two, three)
	for name, stream := range map[string][]byte{
		"first removed":  join(h, b, c, end),
		"middle removed": join(h, a, c, end),
		"last removed":   join(h, a, b, end),
		"all removed":    join(h, end),
		"doubled":        join(h, a, b, b, c, end),
		"instead":        join(h, a, a, c, end),
		"swapped":        join(h, b, a, c, end),
		"foreign to it":  join(h, a, b, c, data(t, "more"), end),
		"middle seal":    join(h, a, b, seal(false, one), c, end),
	} {
		got, _, err := restore(t, stream)
		wantRule(t, name, err, "TR-32", frame.ErrCorrupt)
		if len(got) != 0 {
			t.Errorf("%s: %d bytes came out", name, len(got))
		}
	}
}

// Proves: TR-3, TR-5, TR-10, TR-15, TR-30, TR-33, TR-60, TR-61, TR-97
func TestOrder(t *testing.T) {
	h, a, end := header(), data(t, one), seal(true, one)
	good := join(h, a, end)
	mandatory := zst.AppendHeader(nil, zst.Header{Chunk: testChunk, Optional: []byte("\x03\x80\x00\x00")})
	for _, c := range []struct {
		name   string
		stream []byte
		rule   frame.Rule
		is     error
	}{
		{"second header", join(h, h, a, end), "TR-60", frame.ErrCorrupt},
		{"header behind data", join(h, a, h, end), "TR-60", frame.ErrCorrupt},
		{"no header", join(end, h, a), "TR-5", frame.ErrCorrupt},
		{"unknown mark at the start", join(skippable(zst.MagicOwn, "somebody else's 12345"), end), "TR-5", frame.ErrCorrupt},
		{"unknown mark", join(h, a, skippable(zst.MagicOwn, "ctxpipeXabcd"), end), "TR-5", frame.ErrCorrupt},
		{"mandatory field", join(mandatory, end), "TR-15", frame.ErrUnsupported},
		{"huge header", zst.AppendSkippableHeader(nil, zst.MagicOwn, 1<<31), "TR-10", frame.ErrTooLarge},
		{"short seal", join(h, skippable(zst.MagicOwn, "ctxpipeSabcd")), "TR-30", frame.ErrCorrupt},
		{"data behind the seal", join(h, a, end, a), "TR-33", frame.ErrCorrupt},
		{"seal behind the seal", join(h, a, end, end), "TR-33", frame.ErrCorrupt},
		{"other skippable", join(h, a, skippable(0x184D2A50, "x"), end), "TR-60", frame.ErrCorrupt},
		{"table before the seal", join(h, a), "TR-60", frame.ErrCorrupt},
		{"no frame", slices.Concat(h, a, []byte("junk and more junk")), "TR-60", frame.ErrCorrupt},
		{"one byte behind", append(bytes.Clone(good), 0), "TR-61", frame.ErrCorrupt},
		{"table twice", append(bytes.Clone(good), table([][]byte{h, a, end})...), "TR-61", frame.ErrCorrupt},
		{"stream twice", append(bytes.Clone(good), good...), "TR-61", frame.ErrCorrupt},
	} {
		got, _, err := restore(t, c.stream)
		wantRule(t, c.name, err, c.rule, c.is)
		if len(got) != 0 {
			t.Errorf("%s: %d bytes came out", c.name, len(got))
		}
	}
}

// Proves: TR-40, TR-41, TR-42
func TestSeekTableMustAgree(t *testing.T) {
	frames := [][]byte{header(), data(t, one), data(t, two), seal(true, one, two)}
	body := bytes.Join(frames, nil)
	good := table(frames)
	for at := zst.SkippableHeaderSize; at < len(good)-zst.FooterSize; at++ {
		b := bytes.Clone(good)
		b[at] ^= 1
		_, _, err := restore(t, slices.Concat(body, b))
		wantRule(t, "entry", err, "TR-42", frame.ErrCorrupt)
	}
	count := bytes.Clone(good)
	count[len(count)-zst.FooterSize]++
	_, _, err := restore(t, slices.Concat(body, count))
	wantRule(t, "count", err, "TR-40", frame.ErrCorrupt)
	for name, other := range map[string][][]byte{"short": frames[:3], "long": append(frames[:4:4], frames[0])} {
		_, _, err := restore(t, slices.Concat(body, table(other)))
		wantRule(t, name, err, "TR-41", frame.ErrCorrupt)
	}
	swapped := [][]byte{frames[0], frames[2], frames[1], frames[3]}
	_, _, err = restore(t, slices.Concat(body, table(swapped)))
	wantRule(t, "swapped", err, "TR-42", frame.ErrCorrupt)
}

// Proves: TR-20, TR-21, TR-22, TR-23, TR-24
func TestDataFramesRefused(t *testing.T) {
	single := zstd.WithSingleSegment(true)
	content := []byte(one)
	magic := "\x28\xb5\x2f\xfd"
	padded := []byte(magic + "\x24\x20") // single segment, checksum, 32 bytes
	padded = append(padded, bytes.Repeat([]byte{0, 0, 0}, 60)...)
	padded = append(padded, whole(t, content, single)[6:]...)
	sum := data(t, one)
	sum[len(sum)-1] ^= 1
	for _, c := range []struct {
		name string
		data []byte
		rule frame.Rule
	}{
		{"no size", streamed(t, content), "TR-22"},
		{"window", whole(t, content, zstd.WithSingleSegment(false)), "TR-22"},
		{"no checksum", whole(t, content, zstd.WithEncoderCRC(false), single), "TR-21"},
		{"empty", whole(t, nil, single), "TR-20"},
		{"over the chunk", whole(t, make([]byte, testChunk+1), single), "TR-20"},
		{"padded", padded, "TR-23"},
		{"checksum", sum, "TR-24"},
		{"too few blocks", []byte(magic + "\x24\x20\x01\x00\x00abcd"), "TR-24"},
		{"too much", []byte(magic + "\x24\x01\x11\x00\x00ababcd"), "TR-24"},
	} {
		_, _, err := restore(t, join(header(), c.data, seal(true, one)))
		wantRule(t, c.name, err, c.rule, frame.ErrCorrupt)
	}
	unpadded := append([]byte(magic+"\x24\x20"), padded[6+3*60:]...)
	var fold zst.Fold
	fold.Add(itemOf(unpadded, string(content)))
	if _, _, err := restore(t, join(header(), unpadded, zst.AppendSeal(nil, fold.Seal(true)))); err != nil {
		t.Errorf("without the padding: %v", err)
	}
}

// The checksum is compared whoever decodes the frame, and of foreign streams too.
//
// Proves: TR-24
func TestContentChecksumDiffers(t *testing.T) {
	for level, content := range map[Level]string{
		LevelElide: "raw, " + string(make([]byte, 5000)) + "and raw", LevelFastest: testText(500),
	} {
		f, _ := madeAt(t, content, level)
		f[len(f)-1] ^= 1
		for name, stream := range map[string][]byte{
			"sealed": join(header(), f, sealFor(true, [][]byte{f}, content)), "foreign": f,
		} {
			got, _, err := restore(t, stream)
			wantRule(t, fmt.Sprint(level, ", ", name), err, "TR-24", frame.ErrCorrupt)
			if len(got) != 0 {
				t.Errorf("%v, %s: %d bytes came out", level, name, len(got))
			}
		}
	}
}

// Offsets in errors count from the start of the stream.
func TestErrorNamesThePlace(t *testing.T) {
	h, a := header(), data(t, one)
	_, _, err := restore(t, join(h, a, seal(true)))
	var e *frame.Error
	if !errors.As(err, &e) || e.Offset != int64(len(h)+len(a)) || e.Index != 2 || e.Record != "seal" {
		t.Errorf("%v, wanted offset %d", err, len(h)+len(a))
	}
	// What is wrong inside a frame of ours has its own place: here the check, which is last.
	good := join(h, a, seal(true, one))
	for record, end := range map[string]int{"header": len(h), "seal": len(h) + len(a) + 60} {
		bad := bytes.Clone(good)
		bad[end-1] ^= 1
		_, _, err := restore(t, bad)
		if !errors.As(err, &e) || e.Rule != "TR-4" || e.Offset != int64(end-4) || e.Record != record {
			t.Errorf("%v, wanted offset %d", err, end-4)
		}
	}
}
