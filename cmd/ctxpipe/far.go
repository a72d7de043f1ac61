package main

import (
	"os"
	"os/exec"
	"strings"

	"github.com/pkg/errors"
	"github.com/spf13/pflag"
)

// farFlags say how the other host is reached.
type farFlags struct {
	via        string
	remotePath string
}

func (f *farFlags) addTo(fs *pflag.FlagSet) {
	fs.StringVar(&f.via, "via", "ssh", "reach the other host by `COMMAND`, which sh runs with two more arguments: HOST, and what to run there")
	fs.StringVar(&f.remotePath, "remote-path", "ctxpipe", "what ctxpipe is called on the other host")
}

// start runs a command on the other host behind a ctxpipe that receives what is
// written to the child's standard input. It has to know at which end it is, so that
// no shell there takes the command apart.
func (f *farFlags) start(host string, command []string, stdout *os.File) (*child, error) {
	remote := f.remotePath + " receive --"
	for _, arg := range command {
		remote += " " + quoted(arg)
	}
	return startChildWith(exec.Command("sh", "-c", f.via+` "$@"`, "sh", host, remote), stdout)
}

// quoted gives an argument as a shell takes it.
func quoted(arg string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./,:@%"
	if arg != "" && strings.Trim(arg, plain) == "" {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// farError says what the end of whoever was to reach the other host may mean.
func farError(err error) error {
	var child *childError
	if !errors.As(err, &child) {
		return err
	}
	switch child.status {
	case 127:
		return &hinted{err, "is ctxpipe installed on the other host? --remote-path says where"}
	case statusUsage:
		return &hinted{err, "the ctxpipe on the other host may be older than this one: upgrade it"}
	case 255:
		return &hinted{err, "try whether ssh alone reaches the other host"}
	}
	return err
}
