//go:build unix

package fakexl_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ctxpipe/ctxpipe/internal/fakexl"
)

// Both directions of a migration are, to the byte, those that a real Xen 4.17
// has sent.
func TestMigrationOnTheWire(t *testing.T) {
	r := newRig(t, "")
	stream := streams(t)["live-pvh"] // with message 5 behind it
	was := r.create("pvh256", stream)
	r.run(0, "xl", "migrate", "-s", "", "pvh256", "tee sent | ssh there xl migrate-receive | tee back")
	r.hasDomains("", "pvh256 running")
	if is := r.runs("pvh256"); is.Digest != was.Digest {
		t.Error("it is another guest")
	}
	r.neverTwice("pvh256")
	want, err := os.ReadFile("testdata/receiver-to-sender")
	r.must(err)
	if got := r.read("back"); !bytes.Equal(got, want) {
		t.Errorf("the receiver said %q, want %q", got, want)
	}
	if !bytes.Equal(r.read("sent"), stream) {
		t.Error("the sender said something else")
	}
}

func TestMigrationBySSH(t *testing.T) {
	r := newRig(t, "")
	r.create("guest", streams(t)["hvm"])
	r.run(0, "xl", "migrate", "guest", "there")
	r.hasDomains("", "guest running")
	r.run(0, "ssh", "there", "xl migrate -p -s 'ssh -q' guest here")
	r.hasDomains("guest paused", "")
	r.neverTwice("guest")
	if log := string(r.read("log")); !strings.Contains(log, " xl migrate-receive -p\n") || !strings.Contains(log, "there ") {
		t.Errorf("log:\n%s", log)
	}
}

// What becomes of a guest when something fails on its way.
func TestMigrationThatFails(t *testing.T) {
	const unharmed, lost = "guest running", "guest--migratedaway suspended"
	for _, c := range []struct {
		fail        string
		status      int
		here, there string
	}{
		{"migrate-receive=exit:1", 1, unharmed, ""},
		{"migrate-receive@before-1=kill", 1, unharmed, ""},
		{"migrate-receive@before-1=wrong", 1, unharmed, ""},
		{"there/ssh=exit:255", 1, unharmed, ""},
		{"migrate@after-1=fail", 1, unharmed, ""},
		{"migrate@after-1=kill", -9, unharmed, ""},

		{"migrate@1000=fail", 1, unharmed, ""},
		{"migrate@400000=fail", 1, unharmed, ""},
		{"migrate@400000=kill", -9, unharmed, ""},
		{"migrate@suspend=fail", 1, unharmed, ""},
		{"migrate-receive@100=fail", 1, unharmed, ""},
		{"migrate-receive@400000=fail", 1, unharmed, ""},
		{"migrate-receive@400000=exit:1", 1, unharmed, "guest--incoming paused"},
		{"migrate-receive@400000=kill", 1, unharmed, "guest--incoming paused"},

		{"migrate-receive@before-3=wrong", 1, unharmed, ""},
		{"migrate-receive@before-3=fail", 1, unharmed, "guest--incoming paused"},
		{"migrate-receive@before-3=kill", 1, unharmed, "guest--incoming paused"},
		{"migrate@before-3=wrong", 1, unharmed, ""},
		{"migrate@rename=fail", 1, unharmed, ""},
		{"migrate@after-3=kill", -9, "guest suspended", "guest--incoming paused"},

		{"migrate@before-5=kill", -9, lost, "guest--incoming paused"},
		{"migrate@before-5=wrong", 1, unharmed, ""},
		{"migrate-receive@after-3=kill", 1, lost, "guest--incoming paused"},
		{"migrate@after-5=kill", -9, lost, "guest running"},
		{"migrate-receive@rename=fail", 1, unharmed, ""},
		{"migrate-receive@unpause=fail", 1, unharmed, ""},
		{"migrate-receive@unpause=fail migrate-receive@destroy=fail", 1, lost, "guest paused"},
		{"migrate-receive@unpause=fail migrate-receive@before-8=wrong", 1, lost, ""},
		{"migrate-receive@unpause=fail migrate-receive@before-8=kill", 1, lost, ""},
		{"migrate-receive@unpause=fail migrate@resume=fail", 1, "guest suspended", ""},

		{"migrate-receive@before-7=kill", 1, lost, "guest running"},
		{"migrate-receive@before-7=wrong", 1, lost, "guest running"},
		{"migrate@after-7=fail", 1, lost, "guest running"},
		{"migrate@destroy=fail", 0, lost, "guest running"},
	} {
		t.Run(c.fail, func(t *testing.T) {
			r := newRig(t, c.fail)
			r.create("guest", streams(t)["hvm"])
			host := "exec env FAKEXL_HOST=there xl migrate-receive"
			if strings.HasPrefix(c.fail, "there/ssh") {
				host = "ssh there xl migrate-receive"
			}
			r.run(c.status, "xl", "migrate", "-s", "", "guest", host)
			r.hasDomains(c.here, c.there)
			r.neverTwice("guest")
		})
	}
}

// A connection that breaks leaves the receiver to itself, with an end of file.
func TestConnectionBreaks(t *testing.T) {
	r := newRig(t, "ssh@400000=exit:255")
	r.create("guest", streams(t)["hvm"])
	r.run(1, "xl", "migrate", "guest", "there")
	r.await("there", "destroyed")
	r.hasDomains("guest running", "")
}

// await waits until something has happened to a domain of a host.
func (r *rig) await(host, what string) {
	r.Helper()
	for !slices.ContainsFunc(r.Events(), func(e fakexl.Event) bool { return e.Host == host && e.What == what }) {
		time.Sleep(2 * time.Millisecond)
	}
}

// A migration is live: what waits in the middle finds the guest running.
func TestMigrationIsLive(t *testing.T) {
	r := newRig(t, "migrate@100000=wait:go migrate-receive@before-3=wait:on")
	r.create("guest", streams(t)["live-pvh"])
	cmd := r.command("xl", "migrate", "guest", "there")
	r.must(cmd.Start())
	fakexl.Await(r.name("go.reached"))
	r.await("there", "created")
	r.hasDomains("guest running", "guest--incoming paused")
	r.write("go", nil)
	fakexl.Await(r.name("on.reached"))
	r.hasDomains("guest suspended", "guest--incoming paused")
	r.write("on", nil)
	r.must(cmd.Wait())
	r.hasDomains("", "guest running")
	r.neverTwice("guest")
	var story []string
	for _, e := range r.Events() {
		story = append(story, e.Host+" "+e.Name+" "+e.What)
	}
	want := []string{
		"here guest created", "here guest built", "here guest running",
		"there guest--incoming created", "here guest suspended", "there guest--incoming built",
		"here guest--migratedaway renamed", "there guest renamed", "there guest running",
		"here guest--migratedaway destroyed",
	}
	if !slices.Equal(story, want) {
		t.Errorf("%q, want %q", story, want)
	}
}

// A guest whose name is taken at the receiver comes back.
func TestNameTakenAtTheReceiver(t *testing.T) {
	r := newRig(t, "")
	r.create("guest", streams(t)["pv"])
	_, err := r.Create("there", "guest", streams(t)["pvh"])
	r.must(err)
	r.run(1, "xl", "migrate", "guest", "there")
	r.hasDomains("guest running", "guest running")
}
