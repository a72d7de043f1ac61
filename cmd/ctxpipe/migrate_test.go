//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ctxpipe/ctxpipe/internal/fakexl"
	"github.com/ctxpipe/ctxpipe/internal/vectest"
)

func init() {
	commands["xl"], commands["ssh"], commands["damage"] = fakexl.XL, fakexl.SSH, damage
}

// damage copies standard input to standard output and does one thing to it: damage cut N,
// damage flip N. It ends when whoever reads from it does, as a connection would.
func damage() {
	go func() {
		fds := []unix.PollFd{{Fd: 1}} // nothing but the other end's end
		for n := 0; n == 0; {
			n, _ = unix.Poll(fds, -1)
		}
		os.Exit(0)
	}()
	in := io.Reader(os.Stdin)
	if len(os.Args) > 2 {
		n, err := strconv.ParseInt(os.Args[2], 10, 64)
		if err != nil {
			panic(err)
		}
		io.CopyN(os.Stdout, in, n)
		var b [1]byte
		switch _, err := io.ReadFull(in, b[:]); {
		case os.Args[1] == "cut" || err != nil:
			return
		default:
			os.Stdout.Write([]byte{b[0] ^ 0x10})
		}
	}
	io.Copy(os.Stdout, in)
}

// hosts are two hosts with an xl, and what fails there.
type hosts struct {
	*testing.T
	fakexl.Dir
	fail string
}

func newHosts(t *testing.T, fail string) *hosts {
	t.Helper()
	h := &hosts{t, fakexl.Dir(t.TempDir()), fail}
	if _, err := h.Create("here", "guest", guestStream(t)); err != nil {
		t.Fatal(err)
	}
	return h
}

func guestStream(t *testing.T) []byte { return vectest.StreamNamed(t, "hvm-thin.xlsave").Bytes }

func (h *hosts) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(append(os.Environ(), h.Environ("here")...), "FAKEXL_FAIL="+h.fail)
	cmd.Dir = string(h.Dir)
	return cmd
}

// run gives the status of a command here, negative for a signal, and what it said. It returns
// when all that it has started has ended too, which has its standard error.
func (h *hosts) run(name string, args ...string) (int, string) {
	h.Helper()
	cmd := h.command(name, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	_ = cmd.Run()
	return statusEnd(cmd), said.String()
}

func statusEnd(cmd *exec.Cmd) int {
	ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return -int(ws.Signal())
	}
	return ws.ExitStatus()
}

// migrate lets xl migrate the guest by way of ctxpipe ssh with these flags.
func (h *hosts) migrate(flags string) (int, string) {
	h.Helper()
	return h.run("xl", "migrate", "-s", "ctxpipe ssh "+flags, "guest", "there")
}

// domains says what a host has: "name state, name state".
func (h *hosts) domains(host string) string {
	var s []string
	for _, d := range h.Domains(host) {
		s = append(s, d.Name+" "+string(d.State))
	}
	return strings.Join(s, ", ")
}

// has demands what both hosts have, that the guest never ran twice, and that it is whole where
// it runs.
func (h *hosts) has(said, here, there string) {
	h.Helper()
	if a, b := h.domains("here"), h.domains("there"); a != here || b != there {
		h.Errorf("here %q, there %q; want %q and %q\n%s", a, b, here, there, said)
	}
	h.sound(said)
}

func (h *hosts) sound(said string) {
	h.Helper()
	if twice := h.Twice("guest"); len(twice) > 0 {
		h.Errorf("ran twice: %+v\n%s", twice, said)
	}
	want, err := fakexl.Digest(guestStream(h.T))
	if err != nil {
		h.Fatal(err)
	}
	for _, d := range h.Find("guest", fakexl.Running) {
		if d.Digest != want {
			h.Errorf("a damaged guest runs\n%s", said)
		}
	}
}

func (h *hosts) read(name string) []byte {
	h.Helper()
	b, err := os.ReadFile(filepath.Join(string(h.Dir), name))
	if err != nil {
		h.Fatal(err)
	}
	return b
}

// The receiver gets to the byte what the sender has sent, and the sender what a real receiver
// has answered.
func TestMigrateOnTheWire(t *testing.T) {
	h := newHosts(t, "")
	stream := vectest.StreamNamed(t, "live-pvh-thin.stream").Bytes // with message 5 behind it
	if _, err := h.Create("here", "pvh256", stream); err != nil {
		t.Fatal(err)
	}
	status, said := h.run("xl", "migrate", "-s", "", "pvh256",
		"tee sent | ctxpipe ssh there sh -c 'tee got | xl migrate-receive' | tee back")
	if status != 0 {
		t.Fatalf("status %d\n%s", status, said)
	}
	if got := h.domains("there"); got != "pvh256 running" {
		t.Errorf("there: %q", got)
	}
	if !bytes.Equal(h.read("sent"), stream) || !bytes.Equal(h.read("got"), stream) {
		t.Error("the receiver did not get what was sent")
	}
	want, err := os.ReadFile("../../internal/fakexl/testdata/receiver-to-sender")
	if err != nil {
		t.Fatal(err)
	}
	if back := h.read("back"); !bytes.Equal(back, want) {
		t.Errorf("the sender heard %q, want %q", back, want)
	}
}

// While the sender waits in the middle, what it has sent is there already.
func TestMigrateWaitsForNothing(t *testing.T) {
	h := newHosts(t, "migrate@100000=wait:go")
	cmd := h.command("xl", "migrate", "-s", "ctxpipe ssh", "guest", "there")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fakexl.Await(string(h.Dir) + "/go.reached")
	h.await("there", "created")
	if err := os.WriteFile(string(h.Dir)+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	h.has("", "", "guest running")
}

// await waits until something has happened to a domain of a host.
func (h *hosts) await(host, what string) {
	for !slices.ContainsFunc(h.Events(), func(e fakexl.Event) bool { return e.Host == host && e.What == what }) {
		time.Sleep(2 * time.Millisecond)
	}
}

const (
	unharmed  = "guest running"
	suspended = "guest--migratedaway suspended"
)

// What becomes of a guest when either xl fails on the way.
func TestMigrateThatFails(t *testing.T) {
	for _, c := range []struct{ fail, here, there string }{
		{"migrate-receive=exit:1", unharmed, ""},
		{"migrate-receive@before-1=wrong", unharmed, ""},
		{"there/ssh=exit:255", unharmed, ""},
		{"migrate@after-1=fail", unharmed, ""},
		{"migrate@1000=fail", unharmed, ""},
		{"migrate@400000=fail", unharmed, ""},
		{"migrate@400000=kill", unharmed, ""},
		{"migrate@suspend=fail", unharmed, ""},
		{"migrate-receive@400000=fail", unharmed, ""},
		{"migrate-receive@400000=kill", unharmed, "guest--incoming paused"},
		{"ssh@10000=exit:255", unharmed, ""},
		{"migrate-receive@before-3=wrong", unharmed, ""},
		{"migrate@rename=fail", unharmed, ""},
		{"migrate@before-5=wrong", unharmed, ""},
		{"migrate-receive@unpause=fail", unharmed, ""},
		{"migrate-receive@after-3=kill", suspended, "guest--incoming paused"},
		{"migrate-receive@before-7=kill", suspended, "guest running"},
		{"migrate@destroy=fail", suspended, "guest running"},
	} {
		t.Run(c.fail, func(t *testing.T) {
			h := newHosts(t, c.fail)
			_, said := h.migrate("")
			h.has(said, c.here, c.there)
		})
	}
}

// Wherever the way between the hosts breaks off or a bit is flipped there, the guest goes on here and
// none starts there. Once the stream has come to its end and only the messages are on their
// way, it may be that nobody dares to let it run; but never do two.
func TestMigrateDamaged(t *testing.T) {
	h := newHosts(t, "")
	// No pause is long enough, or else seals would stand where a busy machine makes one.
	if status, said := h.migrate(`--pause 1m --level fastest --via "tee wire | ssh"`); status != 0 {
		t.Fatalf("status %d\n%s", status, said)
	}
	wire := h.read("wire")
	end := bytes.Index(wire, []byte("ctxpipeS")) // of the first seal, or a later one: where the payload ends
	for at := end; at >= 0; at = next(wire, at) {
		end = at
		if next(wire, next(wire, next(wire, at))) < 0 { // behind it message 5 has its own, and there is the final one
			break
		}
	}
	var places []int
	for n := 0; n < end; n += 1 + len(wire)/12 {
		places = append(places, n)
	}
	places = append(places, end-1, end+10, end+50)
	counts := make(map[string]int)
	for _, how := range []string{"cut", "flip"} {
		for _, n := range append(places, len(wire)-300, len(wire)-100, len(wire)-1) {
			h := newHosts(t, "")
			_, said := h.migrate(fmt.Sprintf(`--pause 1m --level fastest --via "damage %s %d | ssh"`, how, n))
			here, there := h.domains("here"), h.domains("there")
			h.sound(said)
			switch {
			case here == unharmed && there == "":
				counts["runs on"]++
			case n < end:
				t.Errorf("%s at %d of %d: here %q, there %q\n%s", how, n, len(wire), here, there, said)
			case here == "" && there == unharmed:
				counts["moved"]++
			case here == suspended && there == "":
				counts["undecided"]++
			default:
				t.Errorf("%s at %d of %d: here %q, there %q\n%s", how, n, len(wire), here, there, said)
			}
		}
	}
	t.Logf("%d bytes, the stream's end sealed at %d: %v", len(wire), end, counts)
}

// next gives the place of the next seal behind one.
func next(wire []byte, at int) int {
	if at < 0 {
		return -1
	}
	if n := bytes.Index(wire[at+1:], []byte("ctxpipeS")); n >= 0 {
		return at + 1 + n
	}
	return -1
}

// killed runs a command with a guest on its way, kills what wrote its number into a file when
// the sender has reached a place, and waits for everything.
func (h *hosts) killed(who string, args ...string) string {
	h.Helper()
	cmd := h.command(args[0], args[1:]...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	fakexl.Await(string(h.Dir) + "/go.reached")
	fakexl.Await(string(h.Dir) + "/" + who)
	pid, err := strconv.Atoi(strings.TrimSpace(string(h.read(who))))
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err == nil {
		err = os.WriteFile(string(h.Dir)+"/go", nil, 0o600)
	}
	if err != nil {
		h.Fatal(err)
	}
	_ = cmd.Wait()
	return said.String()
}

// Each filter writes its number into a file.
const (
	nearNumber = `echo $PPID >near.tmp; mv near.tmp near; ssh`
	farNumber  = `echo $$ >far.tmp; mv far.tmp far; exec ctxpipe`
)

// A filter that is killed, at any moment, leaves the guest where it is. If the sender has heard by
// then that the receiver has it, it cannot know any more, and leaves it suspended.
func TestMigrateKilledFilter(t *testing.T) {
	for _, who := range []string{"near", "far"} {
		for _, at := range []string{"60", "100000", "400000", "before-3"} {
			t.Run(who+" "+at, func(t *testing.T) {
				h := newHosts(t, "migrate@"+at+"=wait:go")
				said := h.killed(who, "xl", "migrate", "-s", "ctxpipe ssh --via '"+nearNumber+"' --remote-path '"+farNumber+"'", "guest", "there")
				here := unharmed
				if at == "before-3" && h.domains("here") == suspended {
					here = suspended
				}
				h.has(said, here, "")
			})
		}
	}
}

// When ssh or receive dies, a receiver of xl could say nothing any more and would leave its paused
// copy. It is heard out.
func TestConnectionLost(t *testing.T) {
	const via = `echo $$ >near.tmp; mv near.tmp near; exec ssh`
	for name, move := range map[string][]string{
		"migrate":               {"near", "xl", "migrate", "-s", "ctxpipe ssh --via '" + via + "'", "guest", "there"},
		"migrate, receive dies": {"far", "xl", "migrate", "-s", "ctxpipe ssh --remote-path '" + farNumber + "'", "guest", "there"},
		"send":                  {"near", "ctxpipe", "send", "--via", via, "guest", "there"},
		"send, receive dies":    {"far", "ctxpipe", "send", "--remote-path", farNumber, "guest", "there"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHosts(t, "migrate-receive@before-3=wait:go")
			said := h.killed(move[0], move[1:]...)
			h.await("there", "destroyed")
			here := unharmed
			if move[0] == "far" && h.domains("here") == suspended { // the sender has heard that the copy is there
				here = suspended
			}
			h.has(said, here, "")
		})
	}
}

// send moves a guest, and whatever fails, one goes on or is paused where a person can find
// it.
func TestSend(t *testing.T) {
	const away = "guest--migratedaway paused"
	for _, c := range []struct {
		fail        string
		status      int
		here, there string
	}{
		{"", 0, "", "guest running"},
		// asking
		{"list=exit:1", 3, unharmed, ""},
		{"there/ssh=exit:255", 255, unharmed, ""},
		{"migrate-receive=exit:1", 1, unharmed, ""},
		{"migrate-receive@before-1=wrong", 3, unharmed, ""},
		// saving
		{"save=exit:1", 3, unharmed, ""},
		{"save@suspend=fail", 3, unharmed, ""},
		{"save@400000=fail", 3, unharmed, ""},
		{"migrate-receive@100=fail", 1, unharmed, ""},
		{"migrate-receive@400000=fail", 1, unharmed, ""},
		{"migrate-receive@400000=kill", 137, unharmed, "guest--incoming paused"},
		{"ssh@10000=exit:255", 255, unharmed, ""},
		// promised
		{"migrate-receive@before-3=wrong", 3, unharmed, ""},
		{"migrate-receive@before-3=kill", 137, unharmed, "guest--incoming paused"},
		{"rename=exit:1", 3, unharmed, ""},
		// cleared
		{"migrate-receive@after-3=kill", 4, away, "guest--incoming paused"},
		{"migrate-receive@rename=fail", 3, unharmed, ""},
		{"migrate-receive@unpause=fail", 3, unharmed, ""},
		{"migrate-receive@unpause=fail migrate-receive@before-8=kill", 4, away, ""},
		{"migrate-receive@before-7=wrong", 4, away, "guest running"},
		{"migrate-receive@before-7=kill", 4, away, "guest running"},
		{"destroy=exit:1", 4, away, "guest running"},
		// and on the way back
		{"save@400000=fail unpause=exit:1", 3, unharmed, ""},
		{"migrate-receive@before-3=wrong unpause=exit:1", 4, "guest paused", ""},
		{"migrate-receive@unpause=fail unpause=exit:1", 4, "guest paused", ""},
	} {
		t.Run(c.fail, func(t *testing.T) {
			h := newHosts(t, c.fail)
			status, said := h.run("ctxpipe", "send", "guest", "there")
			if status != c.status {
				t.Errorf("status %d, want %d\n%s", status, c.status, said)
			}
			if c.status != 0 && !strings.Contains(said, "ctxpipe: error: ") {
				t.Errorf("said %q", said)
			}
			if (c.status == 4) != strings.Contains(said, "ctxpipe: hint: the guest is paused here") {
				t.Errorf("status %d, and said %q", status, said)
			}
			h.has(said, c.here, c.there)
		})
	}
}

// The far side has done all it was there for once it has answered, and may be gone before
// the guest here is.
func TestSendFarSideEndsFirst(t *testing.T) {
	h := newHosts(t, "destroy=wait:over")
	status, said := h.run("ctxpipe", "send", "--via", `ssh "$@"; exec <&-; >over; :`, "--stats", "stats", "guest", "there")
	if status != 0 || said != "" || len(h.read("stats")) == 0 {
		t.Errorf("status %d, said %q", status, said)
	}
	h.has(said, "", unharmed)
}

// A save that xl cannot end leaves the guest suspended, which send can only report.
func TestSendKilledSave(t *testing.T) {
	h := newHosts(t, "save@400000=kill")
	status, said := h.run("ctxpipe", "send", "guest", "there")
	if status != 4 {
		t.Errorf("status %d\n%s", status, said)
	}
	h.has(said, "guest suspended", "")
}

func TestSendDamaged(t *testing.T) {
	for _, how := range []string{"cut 5", "cut 9000", "flip 60", "flip 9000"} {
		h := newHosts(t, "")
		status, said := h.run("ctxpipe", "send", "--via", "damage "+how+" | ssh", "guest", "there")
		if status == 0 {
			t.Errorf("%s: status 0", how)
		}
		h.has(said, unharmed, "")
	}
}

// A signal before the copy may run is a failure like any other.
func TestSendStopped(t *testing.T) {
	for _, at := range []string{"save@60", "save@400000", "migrate-receive@before-3"} {
		for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			t.Run(at+" "+sig.String(), func(t *testing.T) {
				h := newHosts(t, at+"=wait:go")
				cmd := h.command("ctxpipe", "send", "guest", "there")
				var said bytes.Buffer
				cmd.Stdout, cmd.Stderr = &said, &said
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				fakexl.Await(string(h.Dir) + "/go.reached")
				if err := cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Millisecond) // the signal first, most times
				if err := os.WriteFile(string(h.Dir)+"/go", nil, 0o600); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait()
				if statusEnd(cmd) == 0 {
					t.Errorf("status 0\n%s", said.String())
				}
				if at == "migrate-receive@before-3" {
					h.await("there", "destroyed") // by the far side, for which nobody waits
				}
				h.has(said.String(), unharmed, "")
			})
		}
	}
}

func TestSendKilledFilter(t *testing.T) {
	for _, at := range []string{"60", "400000"} {
		h := newHosts(t, "save@"+at+"=wait:go")
		said := h.killed("far", "ctxpipe", "send", "--remote-path", farNumber, "guest", "there")
		h.has(said, unharmed, "")
	}
}
