//go:build race

package xen_test

const raceEnabled = true
