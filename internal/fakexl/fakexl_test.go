//go:build unix

package fakexl_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ctxpipe/ctxpipe/internal/fakexl"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"xl": fakexl.XL, "ssh": fakexl.SSH})
}

// rig is a folder with hosts, and what fails there.
type rig struct {
	*testing.T
	fakexl.Dir
	fail string
}

func newRig(t *testing.T, fail string) *rig {
	t.Helper()
	return &rig{t, fakexl.Dir(t.TempDir()), fail}
}

var unpacked map[string][]byte

// streams are the real ones by what their guests are: pv, pvh, hvm, and live-pvh,
// which was migrated.
func streams(t *testing.T) map[string][]byte {
	if unpacked == nil {
		unpacked = make(map[string][]byte)
		for _, s := range vectest.Streams(t) {
			kind, _, _ := strings.Cut(s.Name, "-thin")
			unpacked[kind] = s.Bytes
		}
	}
	return unpacked
}

func (r *rig) name(file string) string { return filepath.Join(string(r.Dir), file) }

func (r *rig) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(append(os.Environ(), r.Environ("here")...), "FAKEXL_FAIL="+r.fail)
	cmd.Dir = string(r.Dir)
	return cmd
}

// run runs a command here that ends with a status, or by a signal whose number
// is negative. It returns when all that the command has started has ended, too, since
// its standard error is a pipe that they have in common.
func (r *rig) run(want int, name string, args ...string) string {
	r.Helper()
	cmd := r.command(name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	r.ended(cmd, want, errs.String())
	return out.String()
}

func (r *rig) ended(cmd *exec.Cmd, want int, errs string) {
	r.Helper()
	ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
	got := ws.ExitStatus()
	if ws.Signaled() {
		got = -int(ws.Signal())
	}
	if got != want {
		r.Fatalf("%v: status %d, want %d\n%s", cmd.Args, got, want, errs)
	}
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) create(name string, stream []byte) fakexl.Domain {
	r.Helper()
	d, err := r.Create("here", name, stream)
	r.must(err)
	return d
}

func (r *rig) write(name string, b []byte) string {
	r.Helper()
	r.must(os.WriteFile(r.name(name), b, 0o600))
	return r.name(name)
}

func (r *rig) read(name string) []byte {
	r.Helper()
	b, err := os.ReadFile(r.name(name))
	r.must(err)
	return b
}

// domains says what a host has: "name state, name state".
func (r *rig) domains(host string) string {
	r.Helper()
	var s []string
	for _, d := range r.Domains(host) {
		s = append(s, d.Name+" "+string(d.State))
	}
	return strings.Join(s, ", ")
}

func (r *rig) hasDomains(here, there string) {
	r.Helper()
	if got := r.domains("here"); got != here {
		r.Errorf("here: %q, want %q", got, here)
	}
	if got := r.domains("there"); got != there {
		r.Errorf("there: %q, want %q", got, there)
	}
}

func (r *rig) neverTwice(name string) {
	r.Helper()
	if twice := r.Twice(name); len(twice) > 0 {
		r.Errorf("ran twice: %+v", twice)
	}
}

// runs gives the only domain of that name that runs.
func (r *rig) runs(name string) fakexl.Domain {
	r.Helper()
	found := r.Find(name, fakexl.Running)
	if len(found) != 1 {
		r.Fatalf("%d of %s run", len(found), name)
	}
	return found[0]
}

func TestManaging(t *testing.T) {
	r := newRig(t, "")
	file := r.write("stream", streams(t)["pv"])
	r.run(0, "xl", "create", "a", file)
	r.run(1, "xl", "create", "a", file)
	r.run(0, "xl", "create", "b", file)
	r.hasDomains("a running, b running", "")
	if got := r.run(0, "xl", "domid", "b"); got != "2\n" {
		t.Errorf("domid %q", got)
	}
	r.run(0, "xl", "pause", "1")
	want := fmt.Sprintf("%-40s    ID   Mem VCPUs\tState\tTime(s)\n%-40s     0   512     1     r-----       0.0\n%-40s     1   256     1     --p---       0.0\n%-40s     2   256     1     r-----       0.0\n", "Name", "Domain-0", "a", "b")
	if got := r.run(0, "xl", "list"); got != want {
		t.Errorf("list:\n%swant\n%s", got, want)
	}
	r.run(1, "xl", "save", "a", "never") // a paused guest does not answer
	r.run(0, "xl", "unpause", "a")
	r.run(1, "xl", "rename", "a", "b")
	r.run(0, "xl", "rename", "a", "c")
	r.run(0, "xl", "destroy", "b")
	r.run(1, "xl", "list", "b")
	r.run(1, "xl", "pause", "b")
	r.run(2, "xl", "fly", "b")
	r.run(2, "xl", "save", "-z", "c", "file")
	r.hasDomains("c running", "")
	if log := string(r.read("log")); !strings.Contains(log, " xl rename a c\n") || !strings.HasPrefix(log, "here ") {
		t.Errorf("log:\n%s", log)
	}
}

func TestSSH(t *testing.T) {
	r := newRig(t, "dead/ssh=exit:255 cut/ssh@3=exit:255")
	for _, args := range [][]string{
		{"there", "echo", "$FAKEXL_HOST"},
		{"-o", "A=b", "-T", "-p", "22", "root@there", "-q", "--", "echo $FAKEXL_HOST"},
	} {
		if got := r.run(0, "ssh", args...); got != "there\n" {
			t.Errorf("%v says %q", args, got)
		}
	}
	r.run(7, "ssh", "there", "exit", "7")
	r.run(255, "ssh", "there")
	r.run(255, "ssh", "dead", "true")
	if got := r.run(0, "sh", "-c", "printf abcdef | ssh there 'tr a-f A-F'"); got != "ABCDEF" {
		t.Errorf("through ssh: %q", got)
	}
	// The command outlives the connection, and sees what came before.
	r.run(255, "sh", "-c", "printf abcdef | ssh cut 'cat >out; touch done'")
	fakexl.Await(r.name("done"))
	if got := string(r.read("out")); got != "abc" {
		t.Errorf("before the cut came %q", got)
	}
}

func TestRulesThatSayNothing(t *testing.T) {
	for _, rule := range []string{"fly=kill", "save@here=kill", "save@before-2=kill", "save", "save=kill:3", "save=exit:x", "save@-1=fail", "a/b/save=fail", "save=wait:"} {
		r := newRig(t, rule)
		r.run(2, "xl", "list")
	}
	r := newRig(t, "save=exit:5  there/list=exit:5\thers@x/list=exit:5")
	r.run(2, "xl", "list")
	r.fail = "save=exit:5  there/list=exit:5\tunpause=fail here/pause=kill"
	r.run(0, "xl", "list")
	r.run(5, "xl", "save", "a", "b")
	r.run(1, "xl", "unpause", "a")
	r.run(-9, "xl", "pause", "a")
}
