package fakexl

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/pkg/errors"
)

// sshValues are the options of ssh that have a value.
const sshValues = "BbcDEeFIiJLlmOoPpQRSWw"

// SSH is the main function of ssh. It does not return.
func SSH() {
	code, err := ssh(os.Args[1:])
	if err != nil {
		say("ssh: %v", err)
	}
	os.Exit(code)
}

// lost is the status of ssh when there is no connection.
const lost = 255

func ssh(args []string) (int, error) {
	host, command, noInput := sshArgs(args)
	if host == "" || command == "" {
		return lost, errors.New("which host, and what command?")
	}
	c, err := newCall(host, "ssh", append([]string{"ssh"}, args...))
	if err != nil {
		return lost, err
	}
	if err := c.at(""); err != nil {
		return lost, err
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Env = append(os.Environ(), "FAKEXL_HOST="+host)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return lost, err
	}
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return lost, err
	}
	go func() { // which ends with the process at the latest
		defer in.Close()
		if noInput {
			return
		}
		if _, err := io.Copy(&meter{c: c, w: in}, os.Stdin); err != nil && !errors.Is(err, syscall.EPIPE) {
			os.Exit(lost)
		}
	}()
	_, copied := io.Copy(os.Stdout, out)
	if err := cmd.Wait(); err != nil {
		if code := cmd.ProcessState.ExitCode(); code >= 0 {
			return code, nil
		}
		return lost, err // by a signal
	}
	return 0, copied
}

// sshArgs takes ssh's arguments apart. Options may stand on either side of the
// host, and whatever follows them is the command, joined by spaces.
func sshArgs(args []string) (host, command string, noInput bool) {
	for len(args) > 0 {
		a := args[0]
		switch {
		case strings.HasPrefix(a, "-") && a != "--":
			noInput = noInput || a == "-n"
			if len(a) == 2 && strings.Contains(sshValues, a[1:]) && len(args) > 1 {
				args = args[1:]
			}
		case a != "--" && host == "":
			host = a[strings.LastIndex(a, "@")+1:]
		case a != "--":
			return host, strings.Join(args, " "), noInput
		}
		args = args[1:]
	}
	return host, "", noInput
}
