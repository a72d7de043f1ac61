package pipe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/zst"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// pointsOf gives where libxc's END begins, and where the stream is complete.
func pointsOf(t testing.TB, stream []byte) (libxcEnd, complete int) {
	t.Helper()
	w, err := xen.New(xen.WithVisitor(xen.Visitor{Point: func(p xen.Point, off int64) {
		switch p {
		case xen.LibxcEnd:
			libxcEnd = int(off)
		case xen.Complete:
			complete = int(off)
		}
	}}))
	if err == nil {
		_, err = w.Write(stream)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil || libxcEnd == 0 || complete == 0 {
		t.Fatalf("%v, END at %d, complete at %d", err, libxcEnd, complete)
	}
	return libxcEnd, complete
}

// hvmStream is a whole stream whose emulator's state is longer than any chunk here,
// so that the last chunk alone would not hold libxc's END back.
func hvmStream(t testing.TB) []byte {
	t.Helper()
	real := vectest.RealStream(t)
	end, _ := pointsOf(t, real)
	stream := bytes.Clone(real[:end+8])
	state := libxl.Emulator{ID: libxl.EmulatorQEMU}.Append(nil)
	state = append(state, payloads(DefaultChunk + 3*testChunk)["words"]...)
	stream = libxl.AppendRecord(stream, libxl.EmulatorContext, state)
	return libxl.AppendRecord(stream, libxl.End, nil)
}

// cuts gives places to cut at: all around the stream's points, and so many
// over all of it; every place if the environment asks for it. Under the race detector
// there are fewer, since another place of the same kind shows no other race.
func cuts(stream []byte, points ...int) func(func(int) bool) {
	step, around := max(1, len(stream)/150), 9
	if raceEnabled {
		step, around = max(1, len(stream)/30), 1
	}
	if os.Getenv("CTXPIPE_EXHAUSTIVE") != "" {
		step, around = 1, 0
	}
	return func(yield func(int) bool) {
		for at := 1; at < len(stream); at += step {
			if !yield(at) {
				return
			}
		}
		for _, p := range points {
			for at := max(1, p-around); at < min(len(stream), p+around+1); at++ {
				if !yield(at) {
					return
				}
			}
		}
	}
}

// A whole stream is sealed, and restored byte by byte.
func TestWholeStreamsAreSealed(t *testing.T) {
	for _, s := range vectest.Streams(t) {
		var b bytes.Buffer
		c := newTestCompressor(t, &b, WithLevel(LevelElide))
		writeSteps(t, c, s.Bytes, 4099)
		if err := c.Close(); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		got, info, err := restore(t, b.Bytes())
		if err != nil || !bytes.Equal(got, s.Bytes) || info.Payload != zst.PayloadXL || !info.Guarded {
			t.Errorf("%s: %d of %d bytes, %+v, %v", s.Name, len(got), len(s.Bytes), info, err)
		}
	}
}

// Cut anywhere before its last END, a stream is not sealed, and what was written of
// it is not restored.
//
// Proves: TR-52
func TestCutStreamsAreNotSealed(t *testing.T) {
	stream := hvmStream(t)
	end, complete := pointsOf(t, stream)
	n := 0
	for at := range cuts(stream[:complete], end, complete) {
		n++
		var b bytes.Buffer
		c := newTestCompressor(t, &b, WithLevel(LevelElide), WithWorkers(1))
		_, err := c.Write(stream[:at])
		if err == nil {
			err = c.Close()
		}
		var place *frame.Error
		if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &place) {
			t.Fatalf("cut at %d: %v", at, err)
		}
		if _, _, err := restore(t, b.Bytes()); err == nil {
			t.Fatalf("cut at %d: restored", at)
		}
	}
	t.Logf("%d cuts of %d bytes", n, len(stream))
}

// So is what ends inside the first bytes of something known.
//
// Proves: TR-52
func TestBeginningsOfStreamsAreNotSealed(t *testing.T) {
	for _, known := range knownPayloads {
		for n := 1; n < len(known.first); n++ {
			c := newTestCompressor(t, io.Discard, WithLevel(LevelElide))
			_, err := c.Write([]byte(known.first[:n]))
			if err == nil {
				err = c.Close()
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q: %v", known.first[:n], err)
			}
		}
	}
	for _, other := range []string{"", "x", "Xen saved domaim", "\x01\x00\x00\x01"} {
		c := newTestCompressor(t, io.Discard, WithLevel(LevelElide))
		if _, err := c.Write([]byte(other)); err != nil || c.Close() != nil {
			t.Errorf("%q: %v, %v", other, err, c.Close())
		}
	}
}

// A stream that no Xen would take is given up where it is found out; unless nobody
// is to look.
//
// Proves: TR-52, TR-74
func TestBrokenStreamsAreNotSealed(t *testing.T) {
	stream := hvmStream(t)
	end, _ := pointsOf(t, stream)
	binary.LittleEndian.PutUint32(stream[end:], 0x7f) // a mandatory type that nobody knows
	var b bytes.Buffer
	c := newTestCompressor(t, &b, WithLevel(LevelElide))
	n, err := c.ReadFrom(bytes.NewReader(stream))
	wantRule(t, "compress", err, "XS-57", frame.ErrUnknownType)
	if again := c.Close(); again != err {
		t.Errorf("after %d bytes %v, then %v", n, err, again)
	}

	b.Reset()
	c = newTestCompressor(t, &b, WithLevel(LevelElide), WithCheck(CheckOff))
	if _, err := c.Write(stream); err != nil || c.Close() != nil {
		t.Fatalf("check off: %v, %v", err, c.Close())
	}
	got, _, err := restore(t, b.Bytes())
	wantRule(t, "restore", err, "XS-57", frame.ErrUnknownType)
	if len(got) > end {
		t.Errorf("%d bytes came out, libxc's END is at %d", len(got), end)
	}
	if got, _, err := restore(t, b.Bytes(), WithCheck(CheckOff)); err != nil || !bytes.Equal(got, stream) {
		t.Errorf("restore, check off: %d bytes, %v", len(got), err)
	}
}

// CheckStrict takes nothing but known payloads, and holds them to the verify
// rules.
func TestCheckStrict(t *testing.T) {
	good := hvmStream(t)
	reserved := bytes.Clone(good)
	reserved[40] = 1 // an optional flag of xl's header
	for _, c := range []struct {
		name         string
		payload      []byte
		auto, strict bool
	}{
		{"whole", good, true, true},
		{"reserved bit", reserved, true, false},
		{"opaque", []byte("anything at all, but no stream"), true, false},
		{"nothing", nil, true, false},
	} {
		for check, want := range map[Check]bool{CheckAuto: c.auto, CheckStrict: c.strict, CheckOff: true} {
			w := newTestCompressor(t, io.Discard, WithLevel(LevelElide), WithCheck(check))
			var err error
			if len(c.payload) > 0 { // else Close is the first that is called
				_, err = w.Write(c.payload)
			}
			if err == nil {
				err = w.Close()
			}
			if (err == nil) != want {
				t.Errorf("%s, check %v: %v", c.name, check, err)
			}
			w.Abort()
		}
	}
}

// carriers gives a payload in every way that a Restorer takes it.
func carriers(t testing.TB, payload []byte) map[string][]byte {
	var b bytes.Buffer
	c := newTestCompressor(t, &b, WithLevel(LevelElide), WithCheck(CheckOff))
	if _, err := c.Write(payload); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	var many []byte
	for p := payload; len(p) > 0; p = p[min(len(p), 40_000):] {
		many = append(many, whole(t, p[:min(len(p), 40_000)])...)
	}
	return map[string][]byte{
		"sealed":              b.Bytes(),
		"foreign, one frame":  streamed(t, payload, zstd.WithWindowSize(1<<17)),
		"foreign, many frame": many,
		"raw":                 payload,
	}
}

// Whatever carries a stream, and wherever it is cut: of libxc's END and what is
// behind it nothing comes out before all of it was good.
//
// Proves: TR-73, TR-74
func TestNothingComesOutFromEndOn(t *testing.T) {
	stream := hvmStream(t)
	end, complete := pointsOf(t, stream)
	for name, carrier := range carriers(t, stream) {
		if got, _, err := restore(t, carrier); err != nil || !bytes.Equal(got, stream) {
			t.Fatalf("%s: %d bytes, %v", name, len(got), err)
		}
		n, most := 0, 0
		for at := range cuts(carrier, len(carrier)*end/len(stream), len(carrier)) {
			if name == "raw" && at == complete {
				continue
			}
			n++
			got, _, err := restore(t, carrier[:at])
			if err == nil || len(got) > end || !bytes.Equal(got, stream[:len(got)]) {
				t.Fatalf("%s, cut at %d of %d: %d bytes, END at %d, %v", name, at, len(carrier), len(got), end, err)
			}
			most = max(most, len(got))
		}
		t.Logf("%s: %d cuts of %d bytes, at most %d of %d bytes before END came out", name, n, len(carrier), most, end)
		if oneFrame := name == "foreign, one frame"; most != end && !oneFrame { // which is decoded whole
			t.Errorf("%s: never more than %d bytes came out, END is at %d", name, most, end)
		}
		// The last chunk alone would not have been enough.
		if got, _, err := restore(t, carrier[:len(carrier)-1], WithCheck(CheckOff)); name != "foreign, one frame" && len(got) <= end {
			t.Errorf("%s: without a check %d bytes, END at %d, %v", name, len(got), end, err)
		}
	}
}

// Neither does it of a sealed stream with any damage, nor of a good seal over a
// stream that is not whole.
//
// Proves: TR-73, TR-74
func TestDamageHoldsEndBack(t *testing.T) {
	stream := hvmStream(t)
	end, complete := pointsOf(t, stream)
	sealed := carriers(t, stream)["sealed"]
	n := 0
	for at := range cuts(sealed) {
		n++
		bad := bytes.Clone(sealed)
		bad[at] ^= 1 << (at % 8)
		if got, _, err := restore(t, bad); err == nil || len(got) > end {
			t.Fatalf("bit %d of byte %d flipped: %d bytes, END at %d, %v", at%8, at, len(got), end, err)
		}
	}
	t.Logf("%d bits of %d bytes flipped", n, len(sealed))
	for _, at := range []int{end, end + 7, end + 8, complete - 8, complete - 1} {
		for name, carrier := range carriers(t, stream[:at]) {
			got, _, err := restore(t, carrier)
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(got) > end {
				t.Errorf("%s, cut at %d: %d bytes, END at %d, %v", name, at, len(got), end, err)
			}
		}
	}
}

// What is held back has a limit.
//
// Proves: TR-80
func TestHoldLimit(t *testing.T) {
	stream := hvmStream(t)
	end, _ := pointsOf(t, stream)
	sealed := carriers(t, stream)["sealed"]
	tail := len(stream) - end
	if _, _, err := restore(t, sealed, WithHoldLimit(int64(tail))); err != nil {
		t.Errorf("just enough: %v", err)
	}
	got, _, err := restore(t, sealed, WithHoldLimit(64<<10))
	wantRule(t, "too little", err, "TR-80", frame.ErrTooLarge)
	if len(got) > end {
		t.Errorf("%d bytes, END at %d", len(got), end)
	}
	if _, err := NewRestorer(nil, WithHoldLimit(1)); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("limit of 1: %v", err)
	}
}

// What follows a stream is carried on as it is.
func TestWhatFollowsIsCarriedOn(t *testing.T) {
	for _, behind := range []string{"domain is yours, you are cleared to unpause\x00", "\x00", "anything"} {
		payload := append(hvmStream(t), behind...)
		for name, carrier := range carriers(t, payload) {
			if got, _, err := restore(t, carrier); err != nil || !bytes.Equal(got, payload) {
				t.Errorf("%s, %q: %d of %d bytes, %v", name, behind, len(got), len(payload), err)
			}
		}
	}
}

func TestCheckNames(t *testing.T) {
	for _, c := range []Check{CheckAuto, CheckStrict, CheckOff} {
		if got, err := ParseCheck(c.String()); got != c || err != nil {
			t.Errorf("%v: %v, %v", c, got, err)
		}
	}
	if _, err := ParseCheck("perhaps"); !errors.Is(err, frame.ErrMisuse) || fmt.Sprint(Check(7)) != "check-7" {
		t.Errorf("%v, %v", err, Check(7))
	}
	if _, err := NewCompressor(nil, WithCheck(3)); !errors.Is(err, frame.ErrMisuse) {
		t.Errorf("check 3: %v", err)
	}
}
