package fakexl

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"regexp"
	"strconv"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// Image is what a domain was made of. Offsets count from libxl's header.
type Image struct {
	Config   string // the JSON text in xl's header
	NameThen string // in the configuration, as is all up to VCPUs
	Type     string // pv, pvh or hvm
	Memory   int    // KiB
	VCPUs    int
	Digest   string // of all from libxl's header up to its END, as it was read
	LastPass int64  // where a live migration suspends the guest
	LibxcEnd int64  // behind libxc's END, where xl itself goes on writing
}

// Digest gives the [Image]'s digest of a stream that a test has as a whole.
func Digest(stream []byte) (string, error) {
	r := bytes.NewReader(stream)
	i, err := readHeader(r)
	if err == nil {
		err = i.load(r, io.Discard)
	}
	return i.Digest, err
}

// readHeader reads xl's header, and takes what it needs from the configuration.
func readHeader(r io.Reader) (i Image, err error) {
	b := make([]byte, xl.HeaderSize)
	if _, err := io.ReadFull(r, b); err != nil {
		return i, errors.Wrap(err, "xl's header")
	}
	h, err := xl.ParseHeader(b)
	switch {
	case err != nil:
		return i, err
	case h.ByteOrder != xl.ByteOrder, h.Mandatory != xl.KnownFlags, h.DataLength < 5, h.DataLength > 1<<20:
		return i, errors.Errorf("xl's header: %+v", h)
	}
	b = make([]byte, h.DataLength)
	if _, err := io.ReadFull(r, b); err != nil {
		return i, errors.Wrap(err, "configuration")
	}
	b = bytes.TrimRight(b[4:], "\x00")
	var c struct {
		C struct{ Name, Type string } `json:"c_info"`
		B struct {
			Memory int `json:"max_memkb"`
			VCPUs  int `json:"max_vcpus"`
		} `json:"b_info"`
	}
	err = json.Unmarshal(b, &c)
	return Image{Config: string(b), NameThen: c.C.Name, Type: c.C.Type, Memory: c.B.Memory, VCPUs: c.B.VCPUs}, errors.Wrap(err, "configuration")
}

var nameInJSON = regexp.MustCompile(`"name": *"[^"]*"`)

// config gives the configuration with the name that the domain has now.
func (d Domain) config() string {
	at := nameInJSON.FindStringIndex(d.Config)
	if at == nil {
		return d.Config
	}
	return d.Config[:at[0]] + `"name": ` + strconv.Quote(d.Name) + d.Config[at[1]:]
}

// loader reads a stream from libxl's header on as the readers of Xen do, record
// by record, so that it takes no byte behind libxl's END.
type loader struct {
	*Image
	r    io.Reader
	keep io.Writer
	sum  hash.Hash
	off  int64

	emulator bool // its state has come
}

// load reads the stream of an image, and keeps what it made of it: a good
// stream, though the one that was read may have ended before its END.
func (i *Image) load(r io.Reader, keep io.Writer) error {
	l := &loader{Image: i, r: r, sum: sha256.New()}
	l.keep = io.MultiWriter(keep, l.sum)
	b, err := l.take(libxl.HeaderSize, strict)
	if err != nil {
		return errors.Wrap(err, "libxl's header")
	}
	h, err := libxl.ParseHeader(b)
	if err != nil || h.Ident != libxl.Ident || h.Version != libxl.Version || h.Options&libxl.OptionBigEndian != 0 {
		return errors.Errorf("libxl's header: %+v", h)
	}
	for more := true; more; {
		if more, err = l.libxlRecord(); err != nil {
			return err
		}
	}
	if l.Type == "hvm" && !l.emulator {
		return errors.New("the device model has no state to start from")
	}
	i.Digest = hex.EncodeToString(l.sum.Sum(nil))
	_, err = keep.Write(libxl.AppendRecord(nil, libxl.End, nil))
	return err
}

// libxlRecord reads a record, of which an end of file makes zeros: such as those of
// END. It says whether another comes.
func (l *loader) libxlRecord() (more bool, err error) {
	b, err := l.take(libxl.RecordHeaderSize, lax)
	if err != nil {
		return false, err
	}
	h, err := libxl.ParseRecordHeader(b)
	if err != nil || h.Length > 1<<28 { // the real one has no limit
		return false, errors.Errorf("libxl record: %+v", h)
	}
	body, err := l.take(int64(h.Length)+int64(frame.Padding(uint64(h.Length))), lax)
	if err != nil || h.Type == libxl.End {
		return false, err
	}
	if _, err := l.keep.Write(append(b, body...)); err != nil {
		return false, err
	}
	switch {
	case h.Type == libxl.LibxcContext:
		return true, l.libxc()
	case l.Type == "hvm" && h.Length >= libxl.EmulatorSize && (h.Type == libxl.EmulatorXenstoreData || h.Type == libxl.EmulatorContext):
		l.emulator = l.emulator || h.Type == libxl.EmulatorContext
		return true, nil
	}
	return false, errors.Errorf("libxl record of a %s guest: %+v", l.Type, h)
}

// How an end of file is taken: by libxc, and by libxl.
const (
	strict = false // it is an error
	lax    = true  // it is zeros
)

// take reads n bytes, and keeps them if it is strict.
func (l *loader) take(n int64, lax bool) ([]byte, error) {
	var b bytes.Buffer
	got, err := io.CopyN(&b, l.r, n)
	if err == io.EOF && lax {
		_, err = b.Write(make([]byte, n-got))
	}
	if err == nil && !lax {
		_, err = l.keep.Write(b.Bytes())
	}
	l.off += n
	return b.Bytes(), errors.Wrapf(err, "%d of %d bytes", got, n)
}
