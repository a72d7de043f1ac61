package frame_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ctxpipe/ctxpipe/frame"
)

// The sizes are part of the format. Whoever changes one changes what is on the
// wire.
//
// Proves: DC-23.
func TestSizes(t *testing.T) {
	got := map[string]uint64{
		"descriptor compact": uint64(frame.Compact.DescriptorSize()),
		"descriptor wide":    uint64(frame.Wide.DescriptorSize()),
		"largest descriptor": frame.MaxDescriptorSize,
		"HEADER":             frame.HeaderSize,
		"START":              frame.HeaderSize,
		"HEADER fields":      frame.HeaderBody,
		"START body":         frame.StartBody,
		"detection":          frame.DetectSize,
		"alignment":          frame.Alignment,
		"body compact":       frame.Compact.MaxBody(),
		"body wide":          frame.Wide.MaxBody(),
		"unfinished compact": frame.Compact.Unfinished(),
		"unfinished wide":    frame.Wide.Unfinished(),
		"instance compact":   uint64(frame.Compact.MaxInstance()),
		"instance wide":      uint64(frame.Wide.MaxInstance()),
		"type compact":       uint64(frame.Compact.MaxType()),
		"type wide":          uint64(frame.Wide.MaxType()),
		"shared info 64":     frame.SharedInfo64,
		"shared info 32":     frame.SharedInfo32,
		"shared info Arm":    frame.SharedInfoArm,
		"shared info page":   frame.SharedInfoPage,
		"largest checked":    frame.MaxCheckedBody,
	}
	want := map[string]uint64{
		"descriptor compact": 8,
		"descriptor wide":    16,
		"largest descriptor": 16,
		"HEADER":             24,
		"START":              24,
		"HEADER fields":      12,
		"START body":         8,
		"detection":          8,
		"alignment":          8,
		"body compact":       0xffff_fff8,
		"body wide":          0x7fff_ffff_ffff_fff8,
		"unfinished compact": 0xffff_ffff,
		"unfinished wide":    0xffff_ffff_ffff_ffff,
		"instance compact":   0xffff,
		"instance wide":      0xffff_ffff,
		"type compact":       0xffff,
		"type wide":          0xffff_ffff,
		"shared info 64":     3136,
		"shared info 32":     2344,
		"shared info Arm":    1088,
		"shared info page":   4096,
		"largest checked":    4104,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
}

func TestLayoutStringAndValid(t *testing.T) {
	for l, want := range map[frame.Layout]string{frame.Compact: "compact", frame.Wide: "wide", 0: "Layout(0)", 3: "Layout(3)"} {
		if l.String() != want || l.Valid() != (l == frame.Compact || l == frame.Wide) {
			t.Errorf("%d: %q, valid %v", uint8(l), l, l.Valid())
		}
	}
}

// Lengths near 2^64 are where a computed round-up would wrap to nothing.
//
// Proves: DC-6, DC-13.
func TestPadding(t *testing.T) {
	want := []int{0, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0, 7}
	for n, w := range want {
		checkPadding(t, uint64(n), w)
		// The same distance above the largest multiples of 8.
		if n < 8 {
			checkPadding(t, 1<<32-8+uint64(n), w)
			checkPadding(t, 1<<63-8+uint64(n), w)
			checkPadding(t, 1<<64-8+uint64(n), w)
		}
	}
}

func checkPadding(t *testing.T, n uint64, want int) {
	t.Helper()
	if got := frame.Padding(n); got != want {
		t.Errorf("Padding(%d) is %d, want %d", n, got, want)
	}
	if got := frame.Wide.StoredLength(n); got != n {
		t.Errorf("wide, %d bytes are stored as %d", n, got)
	}
	if got := frame.Wide.PaddingAfter(n); got != want {
		t.Errorf("wide, %d bytes are followed by %d, want %d", n, got, want)
	}
	if got := frame.Compact.PaddingAfter(n); got != 0 {
		t.Errorf("compact, %d bytes are followed by %d", n, got)
	}
	if got := frame.Compact.StoredLength(n); n <= frame.Compact.MaxBody() && (got != n+uint64(want) || got%8 != 0) {
		t.Errorf("compact, %d bytes are stored as %d", n, got)
	}
}

// Each of the eight bytes tells: any other value in any of them gives another
// answer, and bytes behind them tell nothing.
//
// Proves: DC-4, DC-5.
func TestDetect(t *testing.T) {
	start := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	if got := frame.Detect(start); got != frame.Wide {
		t.Fatalf("START is taken for %v", got)
	}
	for i := range start {
		for x := range 256 {
			b := bytes.Clone(start)
			b[i] = byte(x)
			want := frame.Compact
			switch {
			case b[i] == start[i]:
				want = frame.Wide
			case i < 2:
				want = 0
			}
			if got := frame.Detect(b); got != want {
				t.Errorf("% x: got %v, want %v", b, got, want)
			}
			if got := frame.Detect(append(b, 0xff, 0xff)); got != want {
				t.Errorf("% x and more: got %v, want %v", b, got, want)
			}
		}
	}
	for n := range frame.DetectSize {
		if got := frame.Detect(start[:n]); got != 0 {
			t.Errorf("%d bytes are taken for %v", n, got)
		}
	}
	// Also where more than one byte differs, type 1 decides.
	for in, want := range map[string]frame.Layout{
		"01 00 00 00 10 00 00 00": frame.Compact,
		"01 00 ff ff ff ff ff ff": frame.Compact,
		"01 01 00 00 10 00 00 00": 0,
		"00 01 00 00 00 00 00 08": 0,
		"00 00 00 00 00 00 00 00": 0,
		"ff ff ff ff ff ff ff ff": 0,
	} {
		if got := frame.Detect(unhex(t, in)); got != want {
			t.Errorf("%s: got %v, want %v", in, got, want)
		}
	}
}

// A single byte that is not zero is found wherever it stands: at the ends of
// the blocks that are compared, and in the rest behind them.
func TestIsZero(t *testing.T) {
	lengths := []int{4095, 4096, 4097, 8192 + 3}
	for n := range 18 {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		b := make([]byte, n)
		if !frame.IsZero(b) {
			t.Errorf("%d zeros are not zero", n)
		}
		for i := range b {
			b[i] = 1 << (i % 8)
			if frame.IsZero(b) {
				t.Errorf("byte %d of %d was overlooked", i, n)
			}
			b[i] = 0
		}
	}
	if !frame.IsZero(nil) {
		t.Error("nothing is not zero")
	}
}

// Types never fall, and type and instance never repeat, however far apart.
//
// Proves: DC-20, DC-21.
func TestOrder(t *testing.T) {
	type step struct {
		typ      frame.Type
		instance uint32
		want     frame.Rule
	}
	for name, steps := range map[string][]step{
		"ascending":                    {{2, 0, ""}, {3, 0, ""}, {1 << 31, 0, ""}},
		"instances in any order":       {{2, 9, ""}, {2, 1, ""}, {2, 5, ""}},
		"falling":                      {{3, 0, ""}, {2, 0, "DC-20"}},
		"falling after a fall":         {{5, 0, ""}, {2, 0, "DC-20"}, {4, 0, "DC-20"}, {5, 1, ""}},
		"repeat":                       {{2, 0, ""}, {2, 0, "DC-21"}},
		"repeat with others between":   {{2, 7, ""}, {2, 1, ""}, {2, 2, ""}, {2, 7, "DC-21"}, {2, 3, ""}},
		"repeat of a later one":        {{2, 7, ""}, {2, 1, ""}, {2, 2, ""}, {2, 1, "DC-21"}, {2, 2, "DC-21"}, {2, 3, ""}},
		"new type, all are new":        {{2, 7, ""}, {2, 1, ""}, {3, 5, ""}, {3, 1, ""}, {3, 7, ""}, {3, 1, "DC-21"}},
		"the same instance, new type":  {{2, 7, ""}, {3, 7, ""}, {3, 7, "DC-21"}},
		"largest":                      {{1<<32 - 1, 1<<32 - 1, ""}, {1<<32 - 1, 1<<32 - 1, "DC-21"}},
		"a falling one is not noticed": {{5, 1, ""}, {4, 2, "DC-20"}, {5, 2, ""}},
	} {
		var o frame.Order
		for i, s := range steps {
			rule, what := o.Next(frame.Descriptor{Type: s.typ, Instance: s.instance})
			if rule != s.want || (what == "") != (rule == "") {
				t.Errorf("%s, step %d: got %q %q, want %q", name, i, rule, what, s.want)
			}
		}
	}
}
