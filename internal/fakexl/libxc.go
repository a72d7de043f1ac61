package fakexl

import (
	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
)

// libxc reads libxc's part up to its END.
func (l *loader) libxc() error {
	b, err := l.take(libxc.ImageHeaderSize+libxc.DomainHeaderSize, strict)
	if err != nil {
		return errors.Wrap(err, "libxc's headers")
	}
	h := must(libxc.ParseImageHeader(b)) // all are there
	d := must(libxc.ParseDomainHeader(b[libxc.ImageHeaderSize:]))
	if h.Marker != libxc.Marker || h.ID != libxc.ID || h.Version < 2 || h.Version > 3 || h.Options&libxc.OptionBigEndian != 0 ||
		(d.Guest == libxc.PV) != (l.Type == "pv") || d.PageShift != libxc.PageShift {
		return errors.Errorf("libxc's headers: %+v %+v", h, d)
	}
	l.LastPass = l.off
	for cpu := false; ; {
		at := l.off
		r, body, err := l.libxcRecord()
		switch {
		case err != nil:
			return errors.Wrapf(err, "libxc record at %d", at)
		case r.Type == libxc.End && !cpu:
			return errors.New("libxc's END comes without the state of a processor")
		case r.Type == libxc.End:
			l.LibxcEnd = l.off
			return nil
		case r.Type == libxc.PageData:
			l.LastPass = at
		case r.Type == libxc.HVMContext, r.Type == libxc.VCPUBasic:
			cpu = true
		}
		if err := judge(r, body, h.Version, d.Guest); err != nil {
			return errors.Wrapf(err, "libxc record %s at %d", r.Type.Name(), at)
		}
	}
}

func (l *loader) libxcRecord() (libxc.RecordHeader, []byte, error) {
	b, err := l.take(libxc.RecordHeaderSize, strict)
	if err != nil {
		return libxc.RecordHeader{}, nil, err
	}
	r := must(libxc.ParseRecordHeader(b))
	if r.Length > libxc.MaxRecord {
		return r, nil, errors.Errorf("%d bytes", r.Length)
	}
	body, err := l.take(int64(r.Length)+int64(frame.Padding(uint64(r.Length))), strict)
	return r, body[:min(int(r.Length), len(body))], err
}

// judge refuses a record that the real reader refuses by itself. Its contents, and
// where it stands, are none of our business.
func judge(r libxc.RecordHeader, body []byte, version uint32, g libxc.Guest) error {
	info, known := libxc.Lookup(r.Type)
	switch {
	case !known && r.Type >= libxc.Optional:
		return nil
	case !known, !info.In(version, g), !info.Fits(r.Length), r.Type == libxc.Checkpoint:
		return errors.Errorf("type %#x, %d bytes", uint32(r.Type), r.Length)
	case r.Type != libxc.PageData:
		return nil
	}
	h := must(libxc.ParsePageDataHeader(body))
	if h.Count == 0 || uint64(len(body)) < h.Length(0) {
		return errors.Errorf("%d entries in %d bytes", h.Count, len(body))
	}
	pages := uint64(0)
	entries := libxc.Entries(body[libxc.PageDataHeaderSize:h.Length(0)])
	for i := range entries.Len() {
		t := entries.At(i).Type()
		if !t.Valid() {
			return errors.Errorf("page of type %d", t)
		}
		if t.HasData() {
			pages++
		}
	}
	if uint64(len(body)) != h.Length(pages) {
		return errors.Errorf("%d pages in %d bytes", pages, len(body))
	}
	return nil
}
