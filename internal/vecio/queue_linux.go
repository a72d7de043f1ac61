package vecio

import (
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// queue looks at what a pipe or socket holds. It is made once, so that a look allocates
// nothing.
type queue struct {
	raw     syscall.RawConn
	request uint
	ask     func(fd uintptr)

	n   int
	err error
}

func newQueue(w io.Writer) *queue {
	c, ok := w.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	q := &queue{raw: raw}
	if raw.Control(func(fd uintptr) { q.request = howToAsk(int(fd)) }) != nil || q.request == 0 {
		return nil
	}
	q.ask = func(fd uintptr) { q.n, q.err = unix.IoctlGetInt(int(fd), q.request) }
	return q
}

// howToAsk gives the request that tells what waits in a descriptor's queue; 0 if it has none.
func howToAsk(fd int) uint {
	var s unix.Stat_t
	if unix.Fstat(fd, &s) != nil {
		return 0
	}
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFIFO:
		return unix.TIOCINQ
	case unix.S_IFSOCK:
		return unix.SIOCOUTQ
	}
	return 0
}

func (q *queue) len() int {
	if q == nil || q.raw.Control(q.ask) != nil || q.err != nil {
		return 0
	}
	return q.n
}
