package vectest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Stream is a save stream of a real Xen, with what another parser counted in it.
type Stream struct {
	Name  string
	Bytes []byte
	Facts Facts
}

// Facts are those counts.
type Facts struct {
	SHA256 string
	Kind   string
	Bytes  int64
	Domain struct{ Name, Type string }
	Libxl  struct{ Records map[string]int }
	Libxc  struct {
		Version uint32
		Guest   string
		Records map[string]int
		Pages   struct {
			Entries, Total, Zero int
			ByType               map[string]int `json:"by_type"`
			UniquePFNs           int            `json:"unique_pfns"`
			Passes               int
		}
	}
	HVMEntries [][3]int `json:"hvm_entries"`
	Trailing   int64    `json:"trailing_bytes_after_libxl_end"`
}

// Streams gives the thinned streams, small enough to be stored: a PV, a PVH and
// an HVM guest saved, and a PVH guest migrated live.
func Streams(tb testing.TB) []Stream {
	tb.Helper()
	var out []Stream
	for _, name := range []string{"pv-thin.xlsave", "pvh-thin.xlsave", "hvm-thin.xlsave", "live-pvh-thin.stream"} {
		out = append(out, StreamNamed(tb, name))
	}
	return out
}

// StreamNamed gives one of them, such as "pv-thin.xlsave".
func StreamNamed(tb testing.TB, name string) Stream {
	tb.Helper()
	return stream(tb, name, unpack(tb, read(tb, name+".zst")), read(tb, name+".json"))
}

// StreamsIn gives all streams of a directory: files that have one with their
// name and ".json" beside them. They may be in zstd, with ".zst" behind their name and
// a window of up to 512 MiB.
func StreamsIn(tb testing.TB, dir string) []Stream {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(found) == 0 {
		tb.Fatalf("no streams in %s: %v", dir, err)
	}
	var out []Stream
	for _, facts := range found {
		name := strings.TrimSuffix(facts, ".json")
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			b, err = os.ReadFile(name + ".zst")
			b = unpack(tb, b)
		}
		if err != nil {
			tb.Fatal(err)
		}
		f, err := os.ReadFile(facts)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, stream(tb, filepath.Base(name), b, f))
	}
	return out
}

func stream(tb testing.TB, name string, b, facts []byte) Stream {
	tb.Helper()
	s := Stream{Name: name, Bytes: b}
	if err := json.Unmarshal(facts, &s.Facts); err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != s.Facts.SHA256 {
		tb.Fatalf("%s: the bytes are not those that were counted", name)
	}
	return s
}

func unpack(tb testing.TB, packed []byte) []byte {
	tb.Helper()
	r, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(512<<20))
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	var b bytes.Buffer
	if _, err := r.WriteTo(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}
