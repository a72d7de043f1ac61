package fakexl

import (
	"io"
	"os"
	"syscall"

	"github.com/pkg/errors"
	"github.com/spf13/pflag"

	"github.com/ctxpipe/ctxpipe/frame/libxl"
	"github.com/ctxpipe/ctxpipe/frame/xl"
)

func save(c *call, args []string) error {
	var paused, running bool
	args, err := options(args, "", 2, 3, func(f *pflag.FlagSet) {
		f.BoolVarP(&paused, "paused", "p", false, "")
		f.BoolVarP(&running, "checkpoint", "c", false, "")
	})
	if err != nil {
		return err
	}
	dom, err := c.dir.find(c.host, args[0])
	if err != nil {
		return err
	}
	f, err := os.OpenFile(args[1], os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	s := sender{c: c, dom: &dom, w: &meter{c: c, w: f}}
	err = s.send()
	if !s.inLibxc && errors.Is(err, syscall.EPIPE) {
		return dieOfPipe()
	}
	_ = f.Close() // of which the real one takes no notice either
	switch {
	case err != nil:
		return errors.Wrap(c.resume(&dom, err), "saving failed")
	case paused:
		return c.step("resume", func() error { return c.dir.become(&dom, Paused) })
	case running:
		return c.step("resume", func() error { return c.dir.become(&dom, Running) })
	}
	return c.step("destroy", func() error { return c.dir.destroy(dom) })
}

// resume lets a guest go on after a failure, if it has stopped, and gives that
// failure.
func (c *call) resume(dom *Domain, failure error) error {
	if dom.State != Suspended {
		return failure // it runs still
	}
	if err := c.step("resume", func() error { return c.dir.become(dom, Running) }); err != nil {
		say("cannot resume %s: %v", dom.Name, err)
	}
	return failure
}

// dieOfPipe ends the process by SIGPIPE, as the real one, which does nothing
// about that signal. A shell does it, since Go's runtime takes no notice of it.
func dieOfPipe() error {
	return syscall.Exec("/bin/sh", []string{"sh", "-c", "kill -PIPE $$; exit 1"}, os.Environ())
}

// sender writes the stream of a domain, and suspends it on the way.
type sender struct {
	c    *call
	dom  *Domain
	w    io.Writer
	live bool

	inLibxc bool // whose writes are those of a helper
}

// send writes xl's header, and the stream in its three parts.
func (s *sender) send() error {
	dom := s.dom
	if dom.State != Running {
		return errors.Errorf("%s is %s and cannot be suspended", dom.Name, dom.State)
	}
	stream := must(os.Open(s.c.dir.stream(*dom)))
	defer stream.Close()
	if _, err := s.w.Write(xl.AppendConfig(nil, dom.config())); err != nil {
		return err
	}
	libxc := int64(libxl.HeaderSize + libxl.RecordHeaderSize)
	if _, err := io.CopyN(s.w, stream, libxc); err != nil {
		return err
	}
	s.inLibxc = true
	if s.live {
		if _, err := io.CopyN(s.w, stream, dom.LastPass-libxc); err != nil {
			return err
		}
		libxc = dom.LastPass
	}
	if err := s.c.step("suspend", func() error { return s.c.dir.become(dom, Suspended) }); err != nil {
		return err
	}
	if _, err := io.CopyN(s.w, stream, dom.LibxcEnd-libxc); err != nil {
		return err
	}
	s.inLibxc = false
	_, err := io.Copy(s.w, stream)
	return err
}
