//go:build unix

package fakexl_test

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"testing"

	"github.com/ctxpipe/ctxpipe/internal/fakexl"
)

func TestSaveAndRestore(t *testing.T) {
	for kind, stream := range streams(t) {
		t.Run(kind, func(t *testing.T) {
			r := newRig(t, "")
			was := r.create("guest", stream)
			r.run(0, "xl", "save", "guest", "file")
			r.hasDomains("", "")
			r.run(0, "xl", "restore", "file")
			if is := r.runs("guest"); is.Digest != was.Digest || is.Type != was.Type || is.ID == was.ID {
				t.Errorf("%+v, was %+v", is, was)
			}
			r.neverTwice("guest")
		})
	}
}

// A guest that has the name of its stream is saved as that very stream.
func TestSavedBytes(t *testing.T) {
	for kind, name := range map[string]string{"pv": "pv256", "pvh": "pvh256", "hvm": "hvm64"} {
		r := newRig(t, "")
		stream := streams(t)[kind]
		r.create(name, stream)
		r.run(0, "xl", "save", name, "file")
		if !bytes.Equal(r.read("file"), stream) {
			t.Errorf("%s: other bytes", kind)
		}
	}
}

func TestWaysToSave(t *testing.T) {
	r := newRig(t, "")
	r.create("a", streams(t)["pvh"])
	r.run(0, "xl", "save", "-p", "a", "file")
	r.hasDomains("a paused", "")
	r.run(0, "xl", "unpause", "a")
	r.run(0, "xl", "save", "-c", "a", "file")
	r.hasDomains("a running", "")
	r.run(1, "xl", "restore", "file") // its name is in use
	r.hasDomains("a running", "")
	r.write("cfg", []byte("type = 'pvh'\nname = \"b\"\n"))
	r.run(0, "xl", "restore", "-p", "cfg", "file")
	r.hasDomains("a running, b paused", "")
	r.neverTwice("a")
	r.run(0, "xl", "unpause", "b")
	if twice := r.Twice("a", "b"); len(twice) != 1 || twice[0].Name != "b" {
		t.Errorf("%+v", twice)
	}
	r.run(0, "ssh", "there", "xl", "restore", "file")
	if twice := r.Twice("a"); len(twice) != 1 || twice[0].Host != "there" {
		t.Errorf("%+v", twice)
	}
}

// What a reader does with a stream that ends early, or is damaged: as it was seen of
// a real Xen, or read in its code.
func TestDangers(t *testing.T) {
	all := streams(t)
	ends := make(map[string]int) // of libxc's part
	for kind, stream := range all {
		d := newRig(t, "").create("guest", stream)
		ends[kind] = headerOf(stream) + int(d.LibxcEnd)
	}
	pv, hvm := all["pv"], all["hvm"]
	flipped := bytes.Clone(pv)
	flipped[len(pv)/2] ^= 1
	unknown := append(bytes.Clone(pv[:ends["pv"]]), "\xff\xff\xff\xff\x00\x00\x00\x00"...)
	for _, c := range []struct {
		what   string
		stream []byte
		runs   bool
		whole  bool // as good as new
	}{
		{"nothing", nil, false, false},
		{"cut in xl's header", pv[:40], false, false},
		{"cut in the configuration", pv[:100], false, false},
		{"cut in libxl's header", pv[:headerOf(pv)+8], false, false},
		{"cut before LIBXC_CONTEXT", pv[:headerOf(pv)+16], true, false},
		{"cut in pages", pv[:len(pv)/2], false, false},
		{"cut before libxc's END", pv[:ends["pv"]-8], false, false},
		{"cut in libxc's END", pv[:ends["pv"]-1], false, false},
		{"cut behind libxc's END", pv[:ends["pv"]], true, true},
		{"cut in libxl's END", pv[:len(pv)-4], true, true},
		{"whole", pv, true, true},
		{"followed by something", append(bytes.Clone(pv), "something"...), true, true},
		{"a flipped bit in pages", flipped, true, false},
		{"a libxl record that nobody knows", unknown, false, false},
		{"HVM, cut in libxc's END", hvm[:ends["hvm"]-1], false, false},
		{"HVM, cut before its device model", hvm[:ends["hvm"]], false, false},
		{"HVM, cut in its device model", hvm[:ends["hvm"]+4000], true, false},
		{"HVM, cut behind its device model", hvm[:len(hvm)-8], true, true},
		{"HVM, whole", hvm, true, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := newRig(t, "")
			r.write("file", c.stream)
			if !c.runs {
				r.run(1, "sh", "-c", "cat file | xl restore /dev/stdin")
				r.hasDomains("", "")
				return
			}
			r.run(0, "sh", "-c", "cat file | xl restore /dev/stdin")
			all := r.Domains("here")
			if len(all) != 1 || all[0].State != fakexl.Running {
				t.Fatalf("%+v", all)
			}
			good, err := fakexl.Digest(pv)
			if all[0].Type == "hvm" {
				good, err = fakexl.Digest(hvm)
			}
			r.must(err)
			if whole := all[0].Digest == good; whole != c.whole {
				t.Errorf("the guest is whole: %v", whole)
			}
		})
	}
}

// headerOf gives the length of what is in front of libxl's header.
func headerOf(stream []byte) int { return bytes.Index(stream, []byte("LibxlFmt")) }

// A reader leaves what follows the stream on the pipe.
func TestNothingBehindTheStreamIsRead(t *testing.T) {
	r := newRig(t, "")
	r.write("file", append(bytes.Clone(streams(t)["hvm"]), "the next"...))
	if got := r.run(0, "sh", "-c", "cat file | { xl restore /dev/stdin && cat; }"); got != "the next" {
		t.Errorf("left over: %q", got)
	}
}

// What becomes of a guest when the reader of its stream goes away, or a write fails.
func TestSaveThatFails(t *testing.T) {
	stream := streams(t)["hvm"]
	end := headerOf(stream) + int(newRig(t, "").create("hvm64", stream).LibxcEnd)
	for _, c := range []struct {
		at     int
		pipe   int // status when the pipe breaks
		state  string
		failed string // state when the write fails otherwise
	}{
		{10, -13, "running", "running"},
		{headerOf(stream) + 24, 1, "running", "running"},
		{end - 100_000, 1, "running", "running"},
		{end, -13, "suspended", "running"},
		{len(stream) - 8, -13, "suspended", "running"},
	} {
		at := strconv.Itoa(c.at)
		r := newRig(t, "save@"+at+"=fail")
		r.create("hvm64", stream)
		r.run(1, "xl", "save", "hvm64", "file")
		r.hasDomains("hvm64 "+c.failed, "")
		if got := r.read("file"); !bytes.Equal(got, stream[:c.at]) {
			t.Errorf("%s: %d bytes were written", at, len(got))
		}

		r = newRig(t, "save@"+at+"=wait:go")
		r.create("hvm64", stream)
		cmd := r.command("xl", "save", "hvm64", "/dev/stdout")
		out, in, err := os.Pipe()
		r.must(err)
		cmd.Stdout = in
		r.must(cmd.Start())
		in.Close()
		_, err = io.ReadFull(out, make([]byte, c.at))
		r.must(err)
		fakexl.Await(r.name("go.reached"))
		out.Close()
		r.write("go", nil)
		_ = cmd.Wait()
		r.ended(cmd, c.pipe, at)
		r.hasDomains("hvm64 "+c.state, "")
	}
}

// A save that a filter has swallowed is a guest that is gone.
func TestSaveDoesNotWaitForTheFilter(t *testing.T) {
	r := newRig(t, "")
	r.create("guest", streams(t)["pvh"])
	r.run(0, "sh", "-c", "xl save guest /dev/stdout | { cat >/dev/null; false; } || true")
	r.hasDomains("", "")
}
