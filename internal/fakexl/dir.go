package fakexl

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/pkg/errors"
	"github.com/rogpeppe/go-internal/lockedfile"
)

// Dir is the folder where everything is that the fakes know. What goes wrong with
// the folder itself is no failure of Xen, and panics.
type Dir string

// State is what a domain is doing.
type State string

// The states of a domain.
const (
	Running   State = "running"
	Paused    State = "paused"
	Suspended State = "suspended" // for a save or a migration: only resuming helps
)

// Domain is a domain of one host.
type Domain struct {
	Host  string
	ID    int
	Name  string
	State State
	Image
}

// Environ gives the variables that let a command run on that host.
func (d Dir) Environ(host string) []string {
	return []string{"FAKEXL_DIR=" + string(d), "FAKEXL_HOST=" + host}
}

// Create makes a running domain whose memory is that of a stream, as `xl create`
// does. What follows the stream is ignored.
func (d Dir) Create(host, name string, stream []byte) (Domain, error) {
	c := &call{dir: d, host: host}
	return c.start(bytes.NewReader(stream), name)
}

// Domains gives all domains of a host in the order of their numbers; of all
// hosts, if it is "*".
func (d Dir) Domains(host string) []Domain {
	var all []Domain
	for _, name := range must(filepath.Glob(d.in(host, "domains", "*"))) {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // destroyed meanwhile
		}
		check(err)
		var dom Domain
		check(json.Unmarshal(b, &dom))
		all = append(all, dom)
	}
	slices.SortStableFunc(all, func(a, b Domain) int { return a.ID - b.ID })
	return all
}

// Find gives the domains of that name and state on all hosts.
func (d Dir) Find(name string, s State) []Domain {
	return slices.DeleteFunc(d.Domains("*"), func(dom Domain) bool { return dom.Name != name || dom.State != s })
}

// in gives a place in the folder of a host.
func (d Dir) in(host string, names ...string) string {
	return filepath.Join(append([]string{string(d), "hosts", host}, names...)...)
}

func (d Dir) file(dom Domain) string   { return d.in(dom.Host, "domains", strconv.Itoa(dom.ID)) }
func (d Dir) stream(dom Domain) string { return d.in(dom.Host, "streams", strconv.Itoa(dom.ID)) }

// find gives the domain of that name or number.
func (d Dir) find(host, who string) (Domain, error) {
	for _, dom := range d.Domains(host) {
		if dom.Name == who || strconv.Itoa(dom.ID) == who {
			return dom, nil
		}
	}
	return Domain{}, errors.Errorf("%s is no domain of %s", who, host)
}

// locked does something while nobody else changes anything.
func (d Dir) locked(do func() error) error {
	unlock := must(lockedfile.MutexAt(filepath.Join(string(d), "lock")).Lock())
	defer unlock()
	return do()
}

// write puts a domain in its file at once, for those who read without the lock,
// and what has happened in the journal. The lock is held.
func (d Dir) write(dom Domain, what string) {
	fresh := filepath.Join(string(d), "fresh")
	check(os.WriteFile(fresh, must(json.MarshalIndent(dom, "", "\t")), 0o600))
	check(os.Rename(fresh, d.file(dom)))
	d.record(dom, what)
}

// free says whether nobody has that name.
func (d Dir) free(host, name string) error {
	if _, err := d.find(host, name); err == nil {
		return errors.Errorf("a domain of the name %s exists already", name)
	}
	return nil
}

// add makes a paused domain, whose stream is empty and still to come.
func (d Dir) add(host, name string, i Image) (Domain, error) {
	dom := Domain{Host: host, Name: name, State: Paused, Image: i}
	return dom, d.locked(func() error {
		if err := d.free(host, name); err != nil {
			return err
		}
		check(os.MkdirAll(d.in(host, "domains"), 0o700))
		check(os.MkdirAll(d.in(host, "streams"), 0o700))
		dom.ID = len(must(os.ReadDir(d.in(host, "streams")))) + 1 // streams stay, so no number comes again
		check(os.WriteFile(d.stream(dom), nil, 0o600))
		d.write(dom, "created")
		return nil
	})
}

// change changes a domain, which others may have changed or destroyed meanwhile,
// and gives it back as it is then.
func (d Dir) change(dom *Domain, what string, do func(now *Domain) error) error {
	return d.locked(func() error {
		now, err := d.find(dom.Host, strconv.Itoa(dom.ID))
		if err != nil {
			return err
		}
		if err := do(&now); err != nil {
			return err
		}
		d.write(now, what)
		*dom = now
		return nil
	})
}

func (d Dir) become(dom *Domain, s State) error {
	return d.change(dom, string(s), func(now *Domain) error {
		now.State = s
		return nil
	})
}

func (d Dir) rename(dom *Domain, name string) error {
	return d.change(dom, "renamed", func(now *Domain) error {
		now.Name = name
		return d.free(dom.Host, name)
	})
}

func (d Dir) destroy(dom Domain) error {
	return d.locked(func() error {
		if err := os.Remove(d.file(dom)); err != nil {
			return err
		}
		d.record(dom, "destroyed")
		return nil
	})
}

// note appends a line to a file, in one write.
func (d Dir) note(file, line string) {
	f := must(os.OpenFile(filepath.Join(string(d), file), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600))
	defer f.Close()
	must(f.WriteString(line + "\n"))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](v T, err error) T {
	check(err)
	return v
}
