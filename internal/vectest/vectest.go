// Package vectest gives tests the golden vectors of the domain context and
// real save streams. What they are is told in testdata/README.md.
package vectest

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
)

//go:embed testdata
var files embed.FS

// Set is the vectors of one layout.
type Set struct {
	Layout  frame.Layout
	Vectors []Vector
	// LoadTypes have a load handler; SaveOnly are known without one.
	LoadTypes, SaveOnly []frame.Type
}

// Vector is one context, good or bad. See testdata/README.md.
type Vector struct {
	Name, Class, What string
	File              string
	Size              int
	SHA256            string
	Truncate          *struct {
		SourceFile string `json:"source_file"`
		Offset     int
	}
	Entries          []Entry
	WalkEnd          string `json:"walk_end"`
	WalkOffset       int    `json:"walk_offset"`
	StructLen        []int  `json:"struct_len"`
	StructLenDefault int    `json:"struct_len_default"`
	Loaders          map[string]Outcome
	Spec             struct{ Verdict, Why string }

	dir string
}

// Entry is one step of the plain walk.
type Entry struct {
	Typecode, Type frame.Type // which of the two depends on the layout
	Instance       uint32
	Length         uint64
	Offset         int
	PayloadSHA256  string  `json:"payload_sha256"`
	BodySHA256     string  `json:"body_sha256"`
	DataLength     *uint64 `json:"data_length"`
}

// Outcome is what the reference loader did.
type Outcome struct {
	RC       string
	Consumed int64
	Calls    []struct {
		Requested   int
		BytesSHA256 string `json:"bytes_sha256"`
	}
}

// Descriptor gives the entry's descriptor.
func (e Entry) Descriptor() frame.Descriptor {
	return frame.Descriptor{Type: e.Typecode | e.Type, Instance: e.Instance, Length: e.Length}
}

// SHA256 gives the digest of the length bytes behind the descriptor, in hex.
func (e Entry) SHA256() string { return e.PayloadSHA256 + e.BodySHA256 }

// Valid says whether the reference saver wrote the vector whole.
func (v Vector) Valid() bool { return v.Class == "valid" }

// Wanted gives how many bytes the k-th load handler wants.
func (v Vector) Wanted(k int) int {
	if k < len(v.StructLen) {
		return v.StructLen[k]
	}
	return v.StructLenDefault
}

// Sets gives both sets.
func Sets(tb testing.TB) []Set {
	tb.Helper()
	return []Set{load(tb, "compact", frame.Compact), load(tb, "wide", frame.Wide)}
}

func load(tb testing.TB, dir string, l frame.Layout) Set {
	tb.Helper()
	var m struct {
		Registered struct{ Save, Load []frame.Type }
		Vectors    []Vector
	}
	if err := json.Unmarshal(read(tb, dir+"/manifest.json"), &m); err != nil {
		tb.Fatal(err)
	}
	s := Set{Layout: l, Vectors: m.Vectors, LoadTypes: m.Registered.Load}
	loads := make(map[frame.Type]bool)
	for _, t := range m.Registered.Load {
		loads[t] = true
	}
	for _, t := range m.Registered.Save {
		if !loads[t] {
			s.SaveOnly = append(s.SaveOnly, t)
		}
	}
	for i := range s.Vectors {
		s.Vectors[i].dir = dir
	}
	if len(s.Vectors) == 0 {
		tb.Fatalf("no vectors in %s", dir)
	}
	return s
}

// Bytes gives the context itself, held against its digest.
func (v Vector) Bytes(tb testing.TB) []byte {
	tb.Helper()
	var b []byte
	switch {
	case v.Truncate != nil:
		b = read(tb, v.dir+"/"+v.Truncate.SourceFile)[:v.Truncate.Offset]
	case v.Size > 100_000:
		b = v.generate(tb)
	default:
		b = read(tb, v.dir+"/"+v.File)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != v.SHA256 {
		tb.Fatalf("%s: the stored bytes are not those of the manifest", v.Name)
	}
	return b
}

// generate makes one of the large vectors: one entry of type 2 with a body
// that follows a rule.
func (v Vector) generate(tb testing.TB) []byte {
	tb.Helper()
	e := v.Entries[1]
	b, err := frame.Header{Layout: frame.Compact, Xen: frame.XenVersion{Major: 4, Minor: 15}}.Append(nil)
	if err == nil {
		b, err = e.Descriptor().Append(b, frame.Compact)
	}
	if err != nil {
		tb.Fatal(err)
	}
	want := len(b) + int(e.Length)
	if v.Name == "fixed-lines-5mib" {
		for k := 0; len(b) < want; k++ {
			line := fmt.Sprintf("record %08x of a compressible domain-context filler pattern ....\n", k)
			b = append(b, line[:64]...)
		}
	} else {
		b = append(b, splitmix(0x5853, int(e.Length))...)
	}
	return append(b[:want], make([]byte, frame.CompactDescriptorSize)...)
}

// splitmix gives n bytes of the splitmix64 sequence.
func splitmix(state uint64, n int) []byte {
	var b []byte
	for len(b) < n {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		b = binary.LittleEndian.AppendUint64(b, z^z>>31)
	}
	return b[:n]
}

// RealStream gives a thinned `xl save` stream of an HVM guest.
func RealStream(tb testing.TB) []byte {
	tb.Helper()
	return unpack(tb, read(tb, "hvm-thin.xlsave.zst"))
}

func read(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := files.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
