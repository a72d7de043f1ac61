package link

import (
	"io"
	"net"
	"time"

	"github.com/pkg/errors"

	"github.com/ctxpipe/ctxpipe/bench/result"
)

// Link is a link of settable rate.
type Link struct {
	info   result.Link
	spaces *namespaces // nil where the rate is kept by a bucket
	rate   int64
}

// New makes the best link that this process may make.
func New() *Link {
	l := &Link{}
	spaces, err := newNamespaces()
	if err != nil {
		l.info = result.Link{Kind: "TCP over loopback, token bucket in process", Why: err.Error()}
		return l
	}
	l.spaces = spaces
	l.info = result.Link{Kind: "TCP over veth between two network namespaces, tc tbf"}
	return l
}

// Info says how the link was made, with the commands so far.
func (l *Link) Info() result.Link {
	if l.spaces != nil {
		l.info.Commands = l.spaces.commands
	}
	return l.info
}

// Close takes the link down.
func (l *Link) Close() error {
	if l.spaces == nil {
		return nil
	}
	return l.spaces.close()
}

// SetRate sets the rate in bits a second, 0 for no limit.
func (l *Link) SetRate(bits int64) error {
	l.rate = bits
	if l.spaces == nil {
		return nil
	}
	return l.spaces.setRate(bits)
}

// Open gives a new connection: what is written into its one end comes out of its
// other. Closing the first ends the stream for the second.
func (l *Link) Open() (io.WriteCloser, io.ReadCloser, error) {
	if l.spaces != nil {
		return l.spaces.open()
	}
	w, r, err := connect(net.Listen, net.Dial, "127.0.0.1:0")
	if err != nil || l.rate == 0 {
		return w, r, err
	}
	return &slowed{w, l.bucket()}, r, nil
}

// bucket gives a full bucket for the rate, as large as the kernel's would be.
func (l *Link) bucket() *Bucket {
	burst, _ := shape(l.rate)
	return &Bucket{Rate: float64(l.rate) / 8, Burst: float64(burst), Now: time.Now, Sleep: time.Sleep}
}

// shape gives how many bytes may pass at once and how many may queue, for a
// rate: what comes in a tick of the kernel, and 25 ms of the rate. With less of a queue
// TCP overruns it at its start, and the link is slower than its rate.
func shape(bits int64) (burst, queue int64) {
	bytes := bits / 8
	return max(bytes/200, 2*piece), max(bytes/40, 8*piece)
}

// connect gives both ends of a new TCP connection.
func connect(listen func(network, addr string) (net.Listener, error), dial func(network, addr string) (net.Conn, error), addr string) (*net.TCPConn, *net.TCPConn, error) {
	l, err := listen("tcp", addr)
	if err != nil {
		return nil, nil, errors.Wrap(err, "link")
	}
	defer l.Close()
	near, err := dial("tcp", l.Addr().String())
	if err != nil {
		return nil, nil, errors.Wrap(err, "link")
	}
	far, err := l.Accept()
	if err != nil {
		near.Close()
		return nil, nil, errors.Wrap(err, "link")
	}
	return near.(*net.TCPConn), far.(*net.TCPConn), nil
}
