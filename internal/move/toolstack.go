package move

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// A Guest is a domain of this host.
type Guest struct {
	ID   int
	Name string
}

// A Toolstack does things to guests of this host.
type Toolstack interface {
	// Find finds a guest by name or number. It has to be running.
	Find(name string) (Guest, error)
	// Save begins to save a guest, which is suspended and stays paused.
	Save(Guest) (Saving, error)
	// Running says whether a guest runs, neither paused nor suspended.
	Running(Guest) (bool, error)
	Rename(g Guest, name string) error
	Unpause(Guest) error
	Destroy(Guest) error
}

// A Saving is the stream of a guest. Wait is called after its end of file.
type Saving interface {
	io.Reader
	Wait() error
}

// XL is the toolstack xl.
type XL struct {
	// Path is the command's name.
	Path string
}

// Find asks xl list.
func (x XL) Find(name string) (Guest, error) {
	d, err := x.list(name)
	if err != nil {
		return Guest{}, err
	}
	if !d.running() {
		return Guest{}, errors.Errorf("guest %s does not run: its state is %s", d.guest.Name, d.state)
	}
	return d.guest, nil
}

// Running asks xl list.
func (x XL) Running(g Guest) (bool, error) {
	d, err := x.list(strconv.Itoa(g.ID))
	return d.running(), err
}

// Rename runs xl rename.
func (x XL) Rename(g Guest, name string) error { return x.run("rename", strconv.Itoa(g.ID), name) }

// Unpause runs xl unpause.
func (x XL) Unpause(g Guest) error { return x.run("unpause", strconv.Itoa(g.ID)) }

// Destroy runs xl destroy.
func (x XL) Destroy(g Guest) error { return x.run("destroy", strconv.Itoa(g.ID)) }

func (x XL) run(args ...string) error {
	cmd := exec.Command(x.Path, args...)
	alone(cmd)
	cmd.Stderr = os.Stderr
	return errors.Wrapf(cmd.Run(), "xl %s", strings.Join(args, " "))
}

// listed is a line of xl list.
type listed struct {
	guest Guest
	state string // r, b, p, s, c, d, or - in the place of each
}

// running says that a domain runs or waits for something to do.
func (l listed) running() bool { return l.state != "" && !strings.ContainsAny(l.state, "pscd") }

func (x XL) list(name string) (listed, error) {
	cmd := exec.Command(x.Path, "list", name)
	alone(cmd)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return listed{}, errors.Wrapf(err, "xl list %s", name)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	// Name, ID, Mem, VCPUs, State, Time(s); a name has no spaces.
	fields := strings.Fields(string(lines[len(lines)-1]))
	if len(lines) != 2 || len(fields) != 6 {
		return listed{}, errors.Errorf("xl list %s: not one guest", name)
	}
	id, err := strconv.Atoi(fields[1])
	if err != nil {
		return listed{}, errors.Errorf("xl list %s: no number", name)
	}
	return listed{Guest{id, fields[0]}, fields[4]}, nil
}

// Save runs xl save -p into a pipe.
func (x XL) Save(g Guest) (Saving, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	cmd := exec.Command(x.Path, "save", "-p", strconv.Itoa(g.ID), "/dev/stdout")
	alone(cmd)
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	if err := cmd.Start(); err != nil {
		r.Close()
		return nil, errors.Wrap(err, "xl save")
	}
	return &saving{r, cmd}, nil
}

type saving struct {
	*os.File
	cmd *exec.Cmd
}

// Wait waits for xl, and closes the pipe.
func (s *saving) Wait() error {
	err := s.cmd.Wait()
	s.Close()
	return err
}
