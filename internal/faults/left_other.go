//go:build !linux

package faults

// Adopt does nothing: there is no such thing here.
func Adopt() error { return nil }

func childrenRun() bool { return false }
