package fakexl

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/errors"
)

// fault is a rule of $FAKEXL_FAIL that fits this process.
type fault struct {
	point, action, value string
	done                 bool
}

var rule = regexp.MustCompile(`^(?:([^/@=]+)/)?([a-z-]+)(?:@(0|[1-9][0-9]*|(?:before|after)-[13578]|suspend|rename|unpause|resume|destroy))?=(?:(kill|fail|wrong)|(exit):([0-9]+)|(wait):(.+))$`)

// faults gives the rules for a command on a host. A rule that says nothing is an
// error: a test that relies on it would prove nothing.
func faults(text, host, command string) ([]*fault, error) {
	var found []*fault
	for _, r := range strings.Fields(text) {
		m := rule.FindStringSubmatch(r)
		if m == nil || commands[m[2]] == nil && m[2] != "ssh" {
			return nil, errors.Errorf("FAKEXL_FAIL: what is %q?", r)
		}
		if m[2] == command && (m[1] == "" || m[1] == host) {
			found = append(found, &fault{point: m[3], action: m[4] + m[5] + m[7], value: m[6] + m[8]})
		}
	}
	return found, nil
}

// errWrong is what the point of a message returns if that shall be wrong.
var errWrong = errors.New("wrong bytes, as was asked for")

// at is called at each point, and lets happen what shall happen there.
func (c *call) at(point string) error {
	for _, f := range c.faults {
		if f.point != point || f.done {
			continue
		}
		f.done = true
		if err := c.act(f); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) act(f *fault) error {
	switch f.action {
	case "exit":
		code, _ := strconv.Atoi(f.value)
		os.Exit(code)
	case "kill":
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill()
		}
		select {} // until it arrives
	case "wrong":
		return errWrong
	case "wait":
		name := f.value
		if !filepath.IsAbs(name) {
			name = filepath.Join(string(c.dir), name)
		}
		if err := os.WriteFile(name+".reached", nil, 0o600); err != nil {
			return err
		}
		Await(name)
	case "fail":
		return errors.Errorf("failure at %q, as was asked for", f.point)
	}
	return nil
}

// Await waits until a file is there, such as the FILE.reached of a rule.
func Await(name string) {
	for {
		if _, err := os.Stat(name); err == nil {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// step does what a point is named after.
func (c *call) step(point string, do func() error) error {
	if err := c.at(point); err != nil {
		return err
	}
	return do()
}

// meter counts the bytes of a stream that pass, and lets happen what shall happen
// at an offset exactly there. It asks for no byte beyond what it is asked for.
type meter struct {
	c   *call
	r   io.Reader
	w   io.Writer
	off int64
	err error // stays, since io.CopyN drops one that comes with its last byte
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.here(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p[:m.room(len(p))])
	m.off += int64(n)
	if err == nil {
		err = m.here()
	}
	return n, err
}

func (m *meter) Write(p []byte) (int, error) {
	done := 0
	for {
		if err := m.here(); err != nil || done == len(p) {
			return done, err
		}
		n, err := m.w.Write(p[done : done+m.room(len(p)-done)])
		m.off += int64(n)
		done += n
		if err != nil {
			return done, err
		}
	}
}

func (m *meter) here() error {
	if m.err == nil {
		m.err = m.c.at(strconv.FormatInt(m.off, 10))
	}
	return m.err
}

// room gives how many of n bytes there are up to the next offset of a rule.
func (m *meter) room(n int) int {
	for _, f := range m.c.faults {
		if at, err := strconv.ParseInt(f.point, 10, 64); err == nil && at > m.off {
			n = int(min(int64(n), at-m.off))
		}
	}
	return n
}
