//go:build !linux

package proc

import "os"

// Scratch makes a temporary file. Where the system allows it, its name is gone at
// once, and the file with the last who has it open.
func Scratch() (*os.File, error) {
	f, err := os.CreateTemp("", "ctxpipe-bench-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // not everywhere possible while it is open
	return f, nil
}
