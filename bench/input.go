package bench

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/bench/proc"
	"github.com/ctxpipe/ctxpipe/bench/result"
	"github.com/ctxpipe/ctxpipe/pipe"
)

// mostWindow is the largest window of a packed input: what zstd --long=28 takes,
// and as much again.
const mostWindow = 512 << 20

// input is a stream that lies ready, plain.
type input struct {
	result.Input
	file *os.File
}

// openInput opens a stream. One in zstd is unpacked into memory first.
func openInput(name string) (*input, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	in := &input{file: f, Input: result.Input{Name: filepath.Base(name)}}
	packed, err := isPacked(f)
	if err == nil && packed {
		in.Name = strings.TrimSuffix(in.Name, ".zst")
		in.file, err = unpacked(f)
		f.Close()
	}
	if err == nil {
		err = in.count()
	}
	if err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (in *input) close() {
	if in.file != nil {
		in.file.Close()
	}
}

// count tells the stream's length and digest, and brings it into the cache.
func (in *input) count() (err error) {
	if err := in.rewind(); err != nil {
		return err
	}
	in.Bytes, in.SHA256, err = digestOf(in.file)
	if err == nil && in.Bytes == 0 {
		err = errors.New("it is empty")
	}
	return err
}

// rewind puts the file at its start, for whom it is handed to next.
func (in *input) rewind() error { return rewind(in.file) }

func rewind(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// isPacked says whether a file is one of zstd, by its first bytes: those of a
// frame, or of a skippable one. Nothing that Xen saves begins so.
func isPacked(f *os.File) (bool, error) {
	var b [4]byte
	if _, err := f.ReadAt(b[:], 0); err != nil && err != io.EOF {
		return false, err
	}
	return bytes.Equal(b[:], []byte{0x28, 0xb5, 0x2f, 0xfd}) || b[0]&0xf0 == 0x50 && bytes.Equal(b[1:], []byte{0x2a, 0x4d, 0x18}), nil
}

func unpacked(f *os.File) (*os.File, error) {
	r, err := pipe.NewRestorer(f, pipe.WithCheck(pipe.CheckOff), pipe.WithMaxWindow(mostWindow))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	plain, err := proc.Scratch()
	if err != nil {
		return nil, err
	}
	if _, err := r.WriteTo(plain); err != nil {
		plain.Close()
		return nil, err
	}
	return plain, nil
}

// digestOf reads to the end and gives the length and SHA-256.
func digestOf(r io.Reader) (int64, string, error) {
	h := sha256.New()
	n, err := io.CopyBuffer(struct{ hash.Hash }{h}, struct{ io.Reader }{r}, make([]byte, 1<<20))
	return n, hex.EncodeToString(h.Sum(nil)), err
}
