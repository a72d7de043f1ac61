package fakexl

import (
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/pkg/errors"
	"github.com/spf13/pflag"

	"github.com/ctxpipe/ctxpipe/frame/xl"
)

// receive is `xl migrate-receive`: its standard input and output are the
// conversation.
func receive(c *call, args []string) error {
	var paused bool
	_, err := options(args, "edF", 0, 0, func(f *pflag.FlagSet) { f.BoolVarP(&paused, "paused", "p", false, "") })
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGPIPE)
	t := &talk{c, os.Stdin, os.Stdout}
	if err := t.tell(1, xl.Ready); err != nil {
		return err
	}
	dom, err := c.build(&meter{c: c, r: os.Stdin}, "%s"+incoming)
	if err != nil {
		return err
	}
	if err := t.tell(3, xl.Received); err != nil {
		return errors.Wrapf(err, "%s is left as it is", dom.Name)
	}
	err = t.hear(5, xl.Clearance)
	if err == nil {
		err = c.step("rename", func() error { return c.dir.rename(&dom, strings.TrimSuffix(dom.Name, incoming)) })
	}
	if err == nil && !paused {
		err = c.step("unpause", func() error { return c.dir.become(&dom, Running) })
	}
	return t.report(dom, err)
}

// report tells the sender what has become of the guest, and gives it back if that
// was a failure. If nobody hears the report, the copy stays as it is.
func (t *talk) report(dom Domain, failure error) error {
	code := xl.Running
	if failure != nil {
		code = 3
	}
	if err := t.tell(7, xl.Results+string(rune(code))); err != nil {
		return errors.Wrapf(err, "%s is left as it is", dom.Name)
	}
	if failure == nil {
		return nil
	}
	if err := t.c.step("destroy", func() error { return t.c.dir.destroy(dom) }); err != nil {
		return errors.Wrapf(err, "%v, and %s cannot be destroyed", failure, dom.Name)
	}
	if err := t.tell(8, xl.Clearance); err != nil {
		return err
	}
	return failure
}
