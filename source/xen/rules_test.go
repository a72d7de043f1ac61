package xen_test

import (
	"encoding/binary"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/ctxpipe/ctxpipe/frame"
	"github.com/ctxpipe/ctxpipe/frame/libxc"
	"github.com/ctxpipe/ctxpipe/frame/xl"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
	"github.com/ctxpipe/ctxpipe/source/xen"
)

// goodStreams gives the synthetic and the real streams, taken apart.
func goodStreams(tb testing.TB) map[string]*parts {
	streams := made()
	real := vectest.Streams(tb)
	if raceEnabled {
		real = real[2:3] // the shortest: all of them take long, and show no race
	}
	for _, s := range real {
		streams[s.Name] = takeApart(tb, s.Bytes)
	}
	return streams
}

// Each rule of the specification, broken once or more in every stream that has
// what it takes: refused with the rule's id, at the severity that the
// specification gives it; and the stream passes when mended.
//
// Proves: XS-11, XS-12, XS-13, XS-14, XS-15, XS-16, XS-17, XS-18, XS-19, XS-20, XS-21,
// XS-30, XS-31, XS-32, XS-33, XS-34, XS-35, XS-36, XS-37, XS-38, XS-39, XS-40, XS-41,
// XS-42, XS-43, XS-44, XS-45, XS-46, XS-47, XS-50, XS-51, XS-52, XS-53, XS-54, XS-55,
// XS-56, XS-57, XS-58, XS-59, XS-60, XS-61, XS-62, XS-63, XS-64, XS-65, XS-66, XS-67,
// XS-68, XS-69, XS-70, XS-80, XS-81, XS-82, XS-83, XS-84, XS-85, XS-86, XS-87, XS-90,
// XS-91, XS-92, XS-93, XS-94, XS-95, XS-96.
func TestMutations(t *testing.T) {
	used := make([]int, len(mutations))
	for name, p := range goodStreams(t) {
		if _, err := walk(t, p.bytes(), 0, xen.WithStrictness(xen.Verify)); err != nil {
			t.Fatalf("%s is not good: %v", name, err)
		}
		for i, m := range mutations {
			if m.do == nil || m.when != nil && !m.when(p) {
				continue
			}
			used[i]++
			bad := p.clone()
			m.do(bad)
			checkMutation(t, name+": "+string(m.rule)+" "+m.name, m, bad.bytes())
		}
	}
	for i, m := range mutations {
		if used[i] == 0 && m.do != nil {
			t.Errorf("%s %s was tried on no stream", m.rule, m.name)
		}
	}
}

func checkMutation(t *testing.T, name string, m mutation, b []byte) {
	t.Helper()
	_, err := walk(t, b, 0, xen.WithStrictness(xen.Verify))
	if got := ruleOf(t, err); got != m.rule {
		t.Errorf("%s, verify: %v", name, err)
	}
	w, err := walk(t, b, 0)
	switch got := ruleOf(t, err); {
	case m.severity == "verify" && (err != nil || !w.Complete()):
		t.Errorf("%s, load: %v, want it to pass", name, err)
	case m.severity != "verify" && got != m.rule:
		t.Errorf("%s, load: %v", name, err)
	}
	found := map[frame.Rule]bool{}
	w, err = walk(t, b, 0, xen.WithStrictness(xen.Verify), xen.WithFindings(func(e *frame.Error) { found[e.Rule] = true }))
	switch got := ruleOf(t, err); {
	case m.severity == "fatal" && got != m.rule:
		t.Errorf("%s, all findings: %v", name, err)
	case m.severity != "fatal" && (err != nil || !w.Complete() || !found[m.rule]):
		t.Errorf("%s, all findings: %v, %v, want the walk to go on", name, found, err)
	}
}

// The specification and the mutations agree on what there is, and how severe
// it is. Where a rule has two severities, one of them is in the table.
func TestMutationsCoverTheSpecification(t *testing.T) {
	tried := map[frame.Rule]map[string]bool{}
	for _, m := range mutations {
		if tried[m.rule] == nil {
			tried[m.rule] = map[string]bool{}
		}
		tried[m.rule][m.severity] = true
	}
	rows := rulesTable(t)
	for _, r := range rows {
		if rule := frame.Rule(r[1]); !tried[rule][r[2]] {
			t.Errorf("%s is a %s rule, tried as %v", rule, r[2], tried[rule])
		}
	}
	if len(rows) != len(tried) {
		t.Errorf("%d rules in the tables, %d tried", len(rows), len(tried))
	}
}

// rulesTable gives the rows of the specification's tables: all of it, the rule, its severity, the
// text.
func rulesTable(tb testing.TB) [][]string {
	tb.Helper()
	text, err := os.ReadFile("../../docs/spec/xen-streams.md")
	if err != nil {
		tb.Fatal(err)
	}
	return regexp.MustCompile(`\| \*\*\[(XS-[0-9]+)\]\*\* \| (\w+) \|(.*)`).FindAllStringSubmatch(string(text), -1)
}

// Whatever is wrong with a stream: what stops a loader is not a rule that only a verifier
// has, what stops one that goes on is a fatal one, and there is a row for each.
func FuzzSeverities(f *testing.F) {
	streams := made()
	names := []string{"pv2", "pv3", "pv4compact", "pv4wide", "hvm2", "hvm3", "pvh4"}
	for i := range names {
		f.Add(uint8(i), uint32(40+i), uint32(1<<8), uint32(100*i), uint32(1))
		f.Add(uint8(i), uint32(1000*i), uint32(0x80), uint32(99999), uint32(0xff))
	}
	rows := rulesTable(f)
	severities := make(map[frame.Rule]string)
	for _, r := range rows {
		severities[frame.Rule(r[1])] += r[2] + " "
		if strings.Contains(r[3], "is a load rule") {
			severities[frame.Rule(r[1])] += "load "
		}
	}
	general := regexp.MustCompile(`^(XS-[0-9]|XS-71|[^X].*)$`)
	// The rules of §2 and §3 are not in the tables, and those of contexts have their own.
	severity := func(t *testing.T, err error) string {
		rule := ruleOf(t, err)
		if general.MatchString(string(rule)) {
			return "fatal load verify"
		}
		if severities[rule] == "" {
			t.Fatalf("no row for what is wrong: %v", err)
		}
		return severities[rule]
	}
	f.Fuzz(func(t *testing.T, which uint8, at, flip, at2, flip2 uint32) {
		b := streams[names[int(which)%len(names)]].bytes()
		for _, m := range [][2]uint32{{at, flip}, {at2, flip2}} {
			p := b[int(m[0])%(len(b)-4):]
			binary.LittleEndian.PutUint32(p, binary.LittleEndian.Uint32(p)^m[1])
		}
		if _, err := walk(t, b, 0); err != nil && severity(t, err) == "verify " {
			t.Errorf("a loader stops at %v", err)
		}
		_, err := walk(t, b, 0, xen.WithStrictness(xen.Verify), xen.WithFindings(func(e *frame.Error) { severity(t, e) }))
		if err != nil && !strings.Contains(severity(t, err), "fatal") {
			t.Errorf("a verifier that goes on stops at %v", err)
		}
	})
}

// Proves: XS-10.
func TestMagic(t *testing.T) {
	b := made()["pv3"].bytes()
	for i := range xl.Magic {
		bad := append([]byte(nil), b...)
		bad[i] ^= 1
		if _, err := walk(t, bad, 0, xen.WithKind(xen.XL)); ruleOf(t, err) != xl.RuleMagic {
			t.Errorf("byte %d: %v", i, err)
		}
	}
}

// Proves: XS-71.
func TestBehindLibxc(t *testing.T) {
	b := append(made()["pv3"].libxc(nil), 0)
	if _, err := walk(t, b, 0, xen.WithStrictness(xen.Verify)); ruleOf(t, err) != libxc.RuleTrailing {
		t.Errorf("verify: %v", err)
	}
	w, err := walk(t, b, 0)
	if k, n := w.Trailing(); err != nil || k != xen.OtherFollows || n != 1 {
		t.Errorf("load: %v, %v, %d bytes", err, k, n)
	}
}
