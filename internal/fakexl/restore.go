package fakexl

import (
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/pkg/errors"
	"github.com/spf13/pflag"
)

func create(c *call, args []string) error {
	args, err := options(args, "", 2, 2, nil)
	if err != nil {
		return err
	}
	f, err := os.Open(args[1])
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = c.start(f, args[0])
	return err
}

// start makes a running domain of a stream.
func (c *call) start(r io.Reader, name string) (Domain, error) {
	dom, err := c.build(r, name)
	if err == nil {
		err = c.dir.become(&dom, Running)
	}
	return dom, err
}

func restore(c *call, args []string) error {
	var paused bool
	args, err := options(args, "edcVA", 1, 2, func(f *pflag.FlagSet) { f.BoolVarP(&paused, "paused", "p", false, "") })
	if err != nil {
		return err
	}
	name := "%s"
	if len(args) == 2 {
		if name, err = nameIn(args[0]); err != nil {
			return err
		}
	}
	f, err := os.Open(args[len(args)-1])
	if err != nil {
		return err
	}
	defer f.Close()
	dom, err := c.build(&meter{c: c, r: f}, name)
	if err != nil || paused {
		return err
	}
	err = c.step("unpause", func() error { return c.dir.become(&dom, Running) })
	if err != nil {
		c.cleanUp(dom)
	}
	return err
}

var nameLine = regexp.MustCompile(`(?m)^\s*name\s*=\s*["']([^"']+)["']`)

// nameIn gives the name of a domain by its configuration file.
func nameIn(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	m := nameLine.FindSubmatch(b)
	if m == nil {
		return "", errors.Errorf("%s has no name", file)
	}
	return string(m[1]), nil
}

// build makes a paused domain out of a stream: it reads up to libxl's END, and
// not a byte more. The domain exists as soon as xl's header was read, and is
// destroyed if the rest is bad. %s in name stands for that in the configuration.
func (c *call) build(r io.Reader, name string) (Domain, error) {
	i, err := readHeader(r)
	if err != nil {
		return Domain{}, err
	}
	dom, err := c.dir.add(c.host, strings.Replace(name, "%s", i.NameThen, 1), i)
	if err != nil {
		return Domain{}, err
	}
	keep := must(os.OpenFile(c.dir.stream(dom), os.O_WRONLY, 0))
	defer keep.Close()
	if err = i.load(r, keep); err == nil {
		err = c.dir.change(&dom, "built", func(now *Domain) error {
			now.Image = i
			return nil
		})
	}
	if err != nil {
		c.cleanUp(dom)
	}
	return dom, err
}

// cleanUp destroys a domain that came to nothing.
func (c *call) cleanUp(dom Domain) {
	if err := c.step("destroy", func() error { return c.dir.destroy(dom) }); err != nil {
		say("cannot destroy %s: %v", dom.Name, err)
	}
}
