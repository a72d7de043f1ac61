package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/pkg/errors"
	"golang.org/x/term"
)

// openInput opens the named file, or standard input for "-". A terminal is
// refused: nobody types a stream.
func openInput(name string) (*os.File, error) {
	if name != "-" {
		return os.Open(name)
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, &usageError{errors.New("standard input is a terminal"), "name a FILE, or put a pipe in front"}
	}
	return os.Stdin, nil
}

// withInput opens the input that the arguments name, standard input if none,
// for the time of work.
func withInput(args []string, work func(name string, in *os.File) error) error {
	name := "-"
	if len(args) > 0 {
		name = args[0]
	}
	in, err := openInput(name)
	if err != nil {
		return err
	}
	defer in.Close()
	widen(in)
	return work(name, in)
}

// output is where a filter writes: standard output, or a file that appears
// under its name only when it is complete.
type output struct {
	*os.File
	name   string // that it gets; empty where the file is written in place
	hidden string // that it has until then; empty if it has none
	force  bool   // take the name from whatever has it
}

// openOutput opens the named output, or standard output for "" and "-". Without
// force a terminal is refused, and so is a file that exists.
func openOutput(name string, force bool) (*output, error) {
	if name == "" || name == "-" {
		if !force && term.IsTerminal(int(os.Stdout.Fd())) {
			return nil, &usageError{errors.New("refusing to write binary data to a terminal"), "use -o FILE, put a pipe behind, or force it with -f"}
		}
		widen(os.Stdout)
		return &output{File: os.Stdout}, nil
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		return &output{File: f}, err
	case err == nil && !force:
		return nil, &usageError{errors.Errorf("%s exists", name), "overwrite it with -f"}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return newOutput(name, force)
}

// newOutput makes a file that is going to have a name. Its mode is 0600: it will hold a
// guest's memory.
func newOutput(name string, force bool) (*output, error) {
	if f := unnamed(filepath.Dir(name)); f != nil {
		return &output{File: f, name: name, force: force}, nil
	}
	f, err := unfinished.create(filepath.Dir(name), hiddenName(name, "*"))
	if err != nil {
		return nil, err
	}
	return &output{File: f, name: name, hidden: f.Name(), force: force}, nil
}

// hiddenName gives the name that a file has before it is complete.
func hiddenName(name, random string) string { return "." + filepath.Base(name) + "." + random }

// done ends the output. If err is nil, what was written is made durable and
// gets its name; otherwise a file disappears. It returns err, or what went
// wrong here.
func (o *output) done(err error) error {
	if o.File == os.Stdout {
		return err
	}
	if err == nil && o.name != "" {
		// A guest may be destroyed as soon as we say that it is saved.
		if err = o.Sync(); err == nil {
			err = o.appear()
		}
	}
	if e := o.Close(); err == nil {
		err = e
	}
	if o.hidden != "" {
		if err != nil {
			os.Remove(o.hidden)
		}
		unfinished.remove(o.hidden)
	}
	return err
}

// appear gives the file its name, for good.
func (o *output) appear() error {
	switch {
	case o.hidden == "" && !o.force:
		if err := link(o.File, o.name); err != nil {
			return err
		}
		return syncFolder(o.name)
	case o.hidden == "":
		hidden := filepath.Join(filepath.Dir(o.name), hiddenName(o.name, strconv.Itoa(os.Getpid())))
		unfinished.add(hidden)
		o.hidden = hidden
		if err := link(o.File, hidden); err != nil {
			return err
		}
	}
	if err := os.Rename(o.hidden, o.name); err != nil {
		return err
	}
	return syncFolder(o.name)
}

// syncFolder makes a new name durable. Not every system and file system can be asked to;
// only a disk that fails is worth an error.
func syncFolder(name string) error {
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return nil // not ours to read
	}
	defer dir.Close()
	if err := dir.Sync(); errors.Is(err, syscall.EIO) {
		return err
	}
	return nil
}
