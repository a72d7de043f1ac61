package faults

import (
	"bytes"
	"io"
	"slices"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/hvm"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
	"github.com/ctxpipe/ctxpipe/frame/zst"
)

// A HostileInput asks for much, and goes on for long.
type HostileInput struct {
	Layer, Name string
	// Args are the commands to try it on: their arguments, with spaces between.
	Args []string
	// Head is followed by Fill, again and again.
	Head, Fill []byte
	// Long is how many bytes of it there are; 0 for [Much].
	Long int64
	// Rule is that of the limit which stops it; "" if it ends by itself, in whatever way.
	Rule frame.Rule
	// Stopped says what stops it, in words.
	Stopped string
}

// Much is the length of a hostile input. What kept it, or what it claims to be, would break
// the ceiling.
const Much = 384 << 20

const (
	// Ceiling is what the data of a process that gets such an input may take.
	Ceiling = 320 << 20
	// MostResident is how much of it may be resident: what filters and walkers hold at
	// most by their defaults, twice over.
	MostResident = 128 << 20
)

// Reader gives the input.
func (h HostileInput) Reader() io.Reader {
	if len(h.Fill) == 0 {
		return bytes.NewReader(h.Head)
	}
	long := h.Long
	if long == 0 {
		long = Much
	}
	return io.MultiReader(bytes.NewReader(h.Head), io.LimitReader(&again{b: h.Fill}, long))
}

// again repeats bytes for ever.
type again struct {
	b  []byte
	at int
}

func (a *again) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		k := copy(p[n:], a.b[a.at:])
		a.at = (a.at + k) % len(a.b)
		n += k
	}
	return len(p), nil
}

const most32 = 1<<32 - 1

var (
	restoring = []string{"restore -q", "compress -t", "verify"}
	walking   = []string{"verify", "verify --all", "inspect", "restore -q", "compress"}
	contexts  = []string{"verify", "verify --all", "inspect"}
	zeros     = make([]byte, 64<<10)
)

// Hostile gives the inputs.
func Hostile() []HostileInput {
	var all []HostileInput
	for _, layer := range [][]HostileInput{transportInputs(), xlInputs(), libxcInputs(), hvmInputs(), contextInputs(frame.Compact), contextInputs(frame.Wide)} {
		all = append(all, layer...)
	}
	return all
}

// zeroFrame is an ordinary zstd frame of that many blocks of 128 KiB, zeros in four bytes
// each.
func zeroFrame(blocks int) []byte {
	f := []byte("\x28\xb5\x2f\xfd\x00\x38")
	for i := range blocks {
		header := uint32(zst.MaxBlock)<<3 | 1<<1
		if i == blocks-1 {
			header |= 1
		}
		f = append(f, byte(header), byte(header>>8), byte(header>>16), 0)
	}
	return f
}

func transportInputs() []HostileInput {
	own := func(mark string, size uint32) []byte {
		return append(zst.AppendSkippableHeader(nil, zst.MagicOwn, size), mark...)
	}
	header := zst.AppendHeader(nil, zst.Header{Chunk: 64 << 20})
	tooLarge := zst.AppendHeader(nil, zst.Header{Chunk: 256 << 20})
	const layer = "transport"
	return []HostileInput{
		{layer, "window of 2 GiB", restoring, []byte("\x28\xb5\x2f\xfd\x00\xa8"), []byte("\x08\x00\x00x"), 0, "TR-80", "largest window"},
		{layer, "content of 2^56 bytes", restoring, []byte("\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x00\x00\x00\x01"), []byte("\x00\x00\x10"), 0, "TR-80", "largest window"},
		{layer, "chunk of 256 MiB", restoring, tooLarge, zeros, 0, "TR-80", "largest chunk"},
		{layer, "data frame of 4 GiB", restoring, slices.Concat(header, []byte("\x28\xb5\x2f\xfd\xa4\xff\xff\xff\xff")), zeros, 0, "TR-20", "the chunk"},
		{layer, "skippable frame of 4 GiB", restoring, zst.AppendSkippableHeader(nil, 0x184D2A50, most32), zeros, 0, "TR-80", "longest skippable frame"},
		{layer, "header of 4 GiB", restoring, own("ctxpipeH", most32), zeros, 0, "TR-10", "longest header"},
		{layer, "seal of 4 GiB", restoring, slices.Concat(header, own("ctxpipeS", most32)), zeros, 0, "TR-30", "longest seal"},
		{layer, "empty blocks for ever", restoring, slices.Concat(header, []byte("\x28\xb5\x2f\xfd\x24\x20")), zeros, 0, "TR-23", "longest frame"},
		{layer, "700,000 empty frames", restoring, nil, []byte("\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"), 6 << 20, "", "constant memory"},
		{layer, "512 MiB of zeros in 16 KiB", []string{"restore -q -f", "compress -t"}, zeroFrame(4 << 10), nil, 0, "", "constant memory"},
		{layer, "a list of many frames", []string{"compress -l"}, nil, []byte("\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"), 48 << 20, "", "constant memory"},
	}
}

// xlHead is an xl header with so much optional data, and what begins it.
func xlHead(size uint32, data string) []byte {
	h := xl.Header{ByteOrder: xl.ByteOrder, Mandatory: xl.KnownFlags, DataLength: size}
	return append(h.Append(nil), data...)
}

// libxlHead is everything up to libxl's first record, of a domain of that type.
func libxlHead(domain string) []byte {
	text := `{"c_info":{"name":"hostile","type":"` + domain + `"}}` + "\x00"
	data := string([]byte{byte(len(text)), 0, 0, 0}) + text
	return libxl.NewHeader().Append(xlHead(uint32(len(data)), data))
}

// record is the header of a record of either layer.
func record(t uint32, size uint32) []byte {
	return libxc.RecordHeader{Type: libxc.Type(t), Length: size}.Append(nil)
}

func xlInputs() []HostileInput {
	whole := libxcHead("hvm", 2, 0)
	for _, r := range []struct {
		t    libxc.Type
		body []byte
	}{{libxc.TSCInfoType, libxc.TSCInfo{}.Append(nil)}, {libxc.HVMContext, hvmHead(0)}, {libxc.HVMParams, libxc.ParamsHeader{}.Append(nil)}, {libxc.End, nil}} {
		whole = libxc.AppendRecord(whole, r.t, r.body)
	}
	emulator := func(t libxl.Type, size uint32) []byte {
		return libxl.Emulator{ID: libxl.EmulatorQEMU}.Append(append(bytes.Clone(whole), record(uint32(t), size)...))
	}
	return []HostileInput{
		{"xl", "configuration of 4 GiB", walking, xlHead(most32, "\xf0\xff\xff\xff"), zeros, 0, xl.RuleDataLimit, "longest configuration"},
		{"libxl", "record of 4 GiB", walking, append(libxlHead("hvm"), record(uint32(libxl.EmulatorContext), most32)...), zeros, 0, libxl.RuleLimit, "longest record"},
		{"libxl", "emulator of 200 MiB held back", []string{"restore -q"}, emulator(libxl.EmulatorContext, 200<<20), zeros, 0, "TR-80", "most to hold back"},
		{"libxl", "emulator of 200 MiB", []string{"verify", "inspect", "compress"}, emulator(libxl.EmulatorContext, 200<<20), zeros, 0, "", "constant memory"},
		{"libxl", "key of 200 MiB", []string{"verify", "inspect", "compress"}, emulator(libxl.EmulatorXenstoreData, 200<<20), []byte("aaaaaaaa"), 0, "", "constant memory"},
	}
}

// libxcHead is everything up to libxc's records, and what each of that version begins with.
func libxcHead(domain string, version uint32, guest libxc.Guest) []byte {
	if guest == 0 {
		guest = libxc.HVM
	}
	b := append(libxlHead(domain), record(uint32(libxl.LibxcContext), 0)...)
	b = libxc.NewImageHeader(version).Append(b)
	return libxc.DomainHeader{Guest: guest, PageShift: libxc.PageShift, Xen: frame.XenVersion{Major: 4, Minor: 17}}.Append(b)
}

func libxcInputs() []HostileInput {
	hvmHead2 := libxcHead("hvm", 2, 0)
	pv := libxc.AppendRecord(libxcHead("pv", 2, libxc.PV), libxc.PVInfoType, libxc.PVInfo{Width: 8, Levels: 4}.Append(nil))
	with := func(b []byte, t libxc.Type, size uint32, more ...byte) []byte {
		return append(append(bytes.Clone(b), record(uint32(t), size)...), more...)
	}
	pages := func(n uint32) []byte { return libxc.PageDataHeader{Count: n}.Append(nil) }
	entries := bytes.Repeat(libxc.NewEntry(1, libxc.XTab).Append(nil), 1024)
	return []HostileInput{
		{"libxc", "record of 4 GiB", walking, with(hvmHead2, libxc.PageData, most32), zeros, 0, libxc.RuleLimit, "longest record"},
		{"libxc", "more pages than a record holds", walking, with(hvmHead2, libxc.PageData, 64<<20, pages(most32)...), entries, 0, "XS-90", "length of the record"},
		{"libxc", "128 MiB of entries", walking, with(hvmHead2, libxc.PageData, 128<<20, pages(16<<20-1)...), entries, 0, "", "constant memory"},
		{"libxc", "frame number of 2^52", walking, with(hvmHead2, libxc.PageData, 8<<20, pages(1)...),
			bytes.Repeat(libxc.NewEntry(libxc.MaxPFN, libxc.XTab).Append(nil), 8), 0, libxc.RulePFN, "largest frame number"},
		{"libxc", "frames of a guest of 16 TiB", walking, with(pv, libxc.P2MFrames, 128<<20, libxc.P2MRange{End: most32}.Append(nil)...), zeros, 0, "", "constant memory"},
		{"libxc", "records for ever", walking, hvmHead2, record(uint32(libxc.Optional)|5, 0), 8 << 20, "", "constant memory"},
		{"libxc", "contexts for ever", walking, hvmHead2, libxc.AppendRecord(nil, libxc.HVMContext, hvmHead(0)), 24 << 20, "", "constant memory"},
		{"libxc", "processors for ever", walking, pv, libxc.AppendRecord(nil, libxc.VCPUBasic, append(libxc.VCPUHeader{}.Append(nil), make([]byte, libxc.VCPUBasic64)...)), 0, "", "constant memory"},
		{"libxc", "XSAVE area of 128 MiB", walking, with(pv, libxc.VCPUXSave, 128<<20), zeros, 0, "", "constant memory"},
	}
}

// hvmHead is the header of an HVM context and, unless more follows, its END.
func hvmHead(more int) []byte {
	b := hvm.AppendEntry(nil, hvm.HeaderType, 0, hvm.Header{Magic: hvm.Magic, Version: hvm.HeaderVersion, Changeset: hvm.NoChangeset}.Append(nil))
	if more > 0 {
		return b
	}
	return hvm.AppendEnd(b)
}

func hvmInputs() []HostileInput {
	msrs := hvm.Descriptor{Type: hvm.MSRType, Length: 8 + 16}.Append(hvmHead(1))
	return []HostileInput{
		{"hvm", "entry of 4 GiB", contexts, hvm.Descriptor{Type: hvm.CPUType, Length: most32}.Append(hvmHead(1)), zeros, 0, hvm.RuleLimit, "longest entry"},
		{"hvm", "entries for ever", contexts, hvmHead(1), hvm.Descriptor{Type: 60, Length: 0}.Append(nil), 0, "", "number of entries"},
		{"hvm", "4 Gi registers in 24 bytes", contexts, append(msrs, "\xff\xff\xff\xff"...), zeros, 0, "", "length of the entry"},
	}
}

func contextInputs(l frame.Layout) []HostileInput {
	layer := "domain context, " + l.String()
	head, err := frame.Header{Layout: l, Xen: frame.XenVersion{Major: 4, Minor: 15}}.Append(nil)
	if err != nil {
		panic(err)
	}
	with := func(d frame.Descriptor) []byte {
		b, err := d.Append(bytes.Clone(head), l)
		if err != nil {
			panic(err)
		}
		return b
	}
	one := with(frame.Descriptor{Type: 3, Length: 8})[len(head):]
	return []HostileInput{
		{layer, "entry of the largest length", contexts, with(frame.Descriptor{Type: 3, Length: l.MaxBody() &^ 7}), zeros, 0, frame.RuleLimit, "longest entry"},
		{layer, "entry without an end", contexts, with(frame.Descriptor{Type: 3, Length: l.Unfinished()}), zeros, 0, frame.RuleLimit, "the unfinished mark"},
		{layer, "END of 1 MiB", contexts, with(frame.Descriptor{Type: 0, Length: 1 << 20}), zeros, 0, frame.RuleLimit, "longest END"},
		{layer, "entries for ever", contexts, head, append(one, zeros[:8]...), 0, "", "number of entries, or a repeat"},
	}
}
