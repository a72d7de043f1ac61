//go:build unix

package move

import (
	"os/exec"
	"syscall"
)

// alone keeps what a terminal sends to stop us from stopping xl too: the guest would stay
// suspended.
func alone(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
