package link

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/pkg/errors"
	"golang.org/x/sys/unix"
)

const (
	nearDevice, farDevice = "ctxpipe0", "ctxpipe1"
	nearAddr, farAddr     = "10.77.0.1", "10.77.0.2"
)

// namespaces are two network namespaces that a veth pair joins.
type namespaces struct {
	near, far *os.File
	commands  []string // that made them what they are
}

func newNamespaces() (*namespaces, error) {
	n := &namespaces{}
	var err error
	if n.near, err = newNamespace(); err != nil {
		return nil, err
	}
	if n.far, err = newNamespace(); err != nil {
		n.near.Close()
		return nil, err
	}
	if err := n.join(); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// join joins the two and tries the shaping.
func (n *namespaces) join() error {
	far := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.far.Fd())
	for _, c := range []struct {
		in   *os.File
		line string
	}{
		{n.near, "ip link add " + nearDevice + " type veth peer name " + farDevice},
		{n.near, "ip link set " + farDevice + " netns " + far},
		{n.near, "ip addr add " + nearAddr + "/30 dev " + nearDevice},
		{n.near, "ip link set " + nearDevice + " up"},
		{n.far, "ip addr add " + farAddr + "/30 dev " + farDevice},
		{n.far, "ip link set " + farDevice + " up"},
	} {
		if err := n.run(c.in, c.line); err != nil {
			return err
		}
	}
	n.commands = nil // what is of interest is the shaping
	if err := n.setRate(1e9); err != nil {
		return err
	}
	n.commands = nil
	return n.setRate(0)
}

// setRate shapes what the near end sends.
func (n *namespaces) setRate(bits int64) error {
	if bits == 0 {
		return n.run(n.near, "tc qdisc del dev "+nearDevice+" root")
	}
	burst, queue := shape(bits)
	return n.run(n.near, fmt.Sprintf("tc qdisc replace dev %s root tbf rate %dbit burst %db limit %db", nearDevice, bits, burst, burst+queue))
}

// run runs a command in a namespace.
func (n *namespaces) run(in *os.File, line string) error {
	return inside(in, func() error {
		args := strings.Fields(line)
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil && !strings.HasPrefix(line, "tc qdisc del") { // there may be none
			return errors.Errorf("%s: %v: %s", line, err, strings.Join(strings.Fields(string(out)), " "))
		}
		if !strings.HasPrefix(line, "tc qdisc del") {
			n.commands = append(n.commands, line)
		}
		return nil
	})
}

// open connects the near end to the far one.
func (n *namespaces) open() (w *net.TCPConn, r *net.TCPConn, err error) {
	listen := func(network, addr string) (l net.Listener, err error) {
		err = inside(n.far, func() error { l, err = net.Listen(network, addr); return err })
		return l, err
	}
	dial := func(network, addr string) (c net.Conn, err error) {
		err = inside(n.near, func() error { c, err = net.Dial(network, addr); return err })
		return c, err
	}
	return connect(listen, dial, farAddr+":0")
}

func (n *namespaces) close() error {
	err := n.near.Close()
	if e := n.far.Close(); err == nil {
		err = e
	}
	return err
}

// inside does something in a network namespace. The thread that was there is thrown away with
// its goroutine, which stays locked to it.
func inside(space *os.File, do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- errors.Wrap(err, "enter a network namespace")
			return
		}
		done <- do()
	}()
	return <-done
}

// newNamespace makes a network namespace without a name.
func newNamespace() (*os.File, error) {
	type made struct {
		f   *os.File
		err error
	}
	done := make(chan made, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- made{err: errors.Wrap(err, "make a network namespace")}
			return
		}
		f, err := os.Open("/proc/thread-self/ns/net")
		done <- made{f, err}
	}()
	m := <-done
	return m.f, m.err
}
