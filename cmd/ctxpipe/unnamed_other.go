//go:build !linux

package main

import (
	"errors"
	"os"
)

// unnamed gives nil where no file can be without a name.
func unnamed(string) *os.File { return nil }

func link(*os.File, string) error { return errors.ErrUnsupported }
