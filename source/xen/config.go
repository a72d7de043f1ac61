package xen

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// judgeConfig looks at the configuration, which Xen hands to a parser of C strings
// without a look of its own.
func (w *Walker) judgeConfig(text []byte) error {
	body, ended := bytes.CutSuffix(text, []byte{0})
	if !ended || bytes.IndexByte(body, 0) >= 0 {
		if err := w.verify(xl.RuleConfigText, "NUL in the configuration", "one, as its last byte", "another number or place"); err != nil {
			return err
		}
	}
	d, ok := parseDomain(body)
	if !ok {
		if err := w.verify(xl.RuleConfigJSON, "configuration", "a JSON object", "something else"); err != nil {
			return err
		}
	}
	w.xl.domain = d
	if w.visit.Config != nil {
		w.visit.Config(w.start, d, body)
	}
	if d.Type != "" && guestOf(d.Type) == 0 {
		return w.verify(xl.RuleConfigType, "type of the domain", "pv, pvh or hvm", fmt.Sprintf("%.16q", d.Type))
	}
	return nil
}

// parseDomain picks a few values. A value of another type than expected is as good
// as none: what libxl makes of it is not ours to judge.
func parseDomain(text []byte) (d Domain, ok bool) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || text[0] != '{' || !json.Valid(text) {
		return d, false
	}
	var c struct {
		CInfo struct {
			Name, Type json.RawMessage
		} `json:"c_info"`
		BInfo struct {
			MaxVCPUs    json.RawMessage `json:"max_vcpus"`
			MaxMemKB    json.RawMessage `json:"max_memkb"`
			TargetMemKB json.RawMessage `json:"target_memkb"`
			VideoMemKB  json.RawMessage `json:"video_memkb"`
		} `json:"b_info"`
	}
	_ = json.Unmarshal(text, &c)
	for _, v := range []struct {
		raw json.RawMessage
		to  any
	}{
		{c.CInfo.Name, &d.Name},
		{c.CInfo.Type, &d.Type},
		{c.BInfo.MaxVCPUs, &d.MaxVCPUs},
		{c.BInfo.MaxMemKB, &d.MaxMemKB},
		{c.BInfo.TargetMemKB, &d.TargetMemKB},
		{c.BInfo.VideoMemKB, &d.VideoMemKB},
	} {
		if len(v.raw) > 0 {
			_ = json.Unmarshal(v.raw, v.to)
		}
	}
	return d, true
}

// guestOf gives what kind of stream a domain of that type has, or 0.
func guestOf(domainType string) libxc.Guest {
	switch domainType {
	case "pv":
		return libxc.PV
	case "pvh", "hvm":
		return libxc.HVM
	}
	return 0
}
