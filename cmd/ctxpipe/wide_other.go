//go:build !linux

package main

import "os"

// widen does nothing where pipes are as they are.
func widen(*os.File) {}
