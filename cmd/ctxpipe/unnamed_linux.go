package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// unnamed makes a file in a folder that has no name yet, so that nothing of it stays however
// the program ends. It gives nil where there are no such files, or none can get a name.
func unnamed(dir string) *os.File {
	f, err := os.OpenFile(dir, unix.O_TMPFILE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil
	}
	if _, err := os.Lstat(byNumber(f)); err != nil {
		f.Close()
		return nil
	}
	return f
}

// link gives such a file a name, which nothing may have.
func link(f *os.File, name string) error {
	err := error(unix.EINTR)
	for err == unix.EINTR { // as a file system in user space may say
		err = unix.Linkat(unix.AT_FDCWD, byNumber(f), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
	}
	if err != nil {
		return &os.LinkError{Op: "link", Old: "a new file", New: name, Err: err}
	}
	return nil
}

func byNumber(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }
