package fakexl

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/pkg/errors"
	"github.com/spf13/pflag"

	"github.com/ctxpipe/ctxpipe/frame/xl"
)

func migrate(c *call, args []string) error {
	shell, paused := "ssh", false
	args, err := options(args, "edC", 2, 2, func(f *pflag.FlagSet) {
		f.StringVarP(&shell, "ssh", "s", shell, "")
		f.BoolVarP(&paused, "paused", "p", false, "")
		f.Bool("live", true, "")
	})
	if err != nil {
		return err
	}
	dom, err := c.dir.find(c.host, args[0])
	if err != nil {
		return err
	}
	command := args[1]
	if shell != "" {
		command = fmt.Sprintf("exec %s %s xl migrate-receive", shell, args[1])
		if paused {
			command += " -p"
		}
	}
	m, err := startReceiver(c, command)
	if err != nil {
		return err
	}
	if err := m.hear(1, xl.Ready); err != nil {
		m.giveUp()
		return err // the guest has noticed nothing
	}
	return m.move(&dom)
}

// talk is one side of a migration's conversation.
type talk struct {
	c *call
	r io.Reader
	w io.Writer
}

// tell sends message number n.
func (t *talk) tell(n int, text string) error {
	b := []byte(text)
	if err := t.c.at(fmt.Sprint("before-", n)); errors.Is(err, errWrong) {
		b[0] ^= 1
	} else if err != nil {
		return err
	}
	if _, err := t.w.Write(b); err != nil {
		return errors.Wrapf(err, "message %d", n)
	}
	return t.c.at(fmt.Sprint("after-", n))
}

// hear reads message number n, which has to be text exactly.
func (t *talk) hear(n int, text string) error {
	if err := t.c.at(fmt.Sprint("before-", n)); err != nil {
		return err
	}
	b := make([]byte, len(text))
	if got, err := io.ReadFull(t.r, b); err != nil {
		return errors.Wrapf(err, "message %d: %d of %d bytes", n, got, len(b))
	}
	if string(b) != text {
		return errors.Errorf("message %d is %q", n, b)
	}
	return t.c.at(fmt.Sprint("after-", n))
}

// move is a migration on the sender's side, whose receiver runs.
type move struct {
	talk
	stdin io.Closer
	child *exec.Cmd
}

func startReceiver(c *call, command string) (*move, error) {
	signal.Ignore(syscall.SIGPIPE) // for the receiver's command as well, which inherits it
	cmd := exec.Command("sh", "-c", command)
	cmd.Stderr = os.Stderr
	w, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	r, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &move{talk{c, r, w}, w, cmd}, cmd.Start()
}

// giveUp closes the pipe, and gives the receiver two seconds to end.
func (m *move) giveUp() {
	m.stdin.Close()
	ended := make(chan error, 1)
	go func() { ended <- m.child.Wait() }()
	select {
	case err := <-ended:
		say("the receiver has ended: %v", err)
	case <-time.After(2 * time.Second):
		say("the receiver has not ended yet")
	}
}

// move sends the stream and hands the guest over.
func (m *move) move(dom *Domain) error {
	err := (&sender{c: m.c, dom: dom, w: &meter{c: m.c, w: m.w}, live: true}).send()
	if err == nil {
		err = m.hear(3, xl.Received)
	}
	name := dom.Name
	if err == nil {
		err = m.c.step("rename", func() error { return m.c.dir.rename(dom, name+away) })
	}
	if err != nil {
		say("%v", err)
		m.giveUp()
		return m.c.resume(dom, errors.New("Migration failed, resuming at sender."))
	}
	code := make([]byte, 1)
	err = m.tell(5, xl.Clearance)
	if err == nil {
		err = m.hear(7, xl.Results)
	}
	if err == nil {
		_, err = io.ReadFull(m.r, code)
	}
	if err == nil && code[0] != xl.Running {
		say("the receiver failed with %d", code[0])
		if err = m.hear(8, xl.Clearance); err == nil {
			return m.takeBack(dom, name)
		}
	}
	if err != nil {
		say("%v", err)
		m.giveUp()
		return errors.New("Migration failed badly: nobody knows where the guest is.")
	}
	if err := m.c.step("destroy", func() error { return m.c.dir.destroy(*dom) }); err != nil {
		say("cannot destroy %s: %v", dom.Name, err)
	}
	say("Migration successful.")
	return nil // without a look at the child
}

// takeBack lets the guest go on, as the receiver has destroyed its copy.
func (m *move) takeBack(dom *Domain, name string) error {
	if err := m.c.step("rename", func() error { return m.c.dir.rename(dom, name) }); err != nil {
		say("cannot rename %s: %v", dom.Name, err)
	}
	return m.c.resume(dom, errors.New("Migration failed because of the receiver."))
}
