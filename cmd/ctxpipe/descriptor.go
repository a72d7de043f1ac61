package main

import (
	"errors"
	"strconv"
)

// descriptor is a flag's value: the number of an open descriptor to write to.
type descriptor struct{ n int }

// Set takes over the descriptor whose number was typed. The first two are taken: they
// are the stream's.
func (d *descriptor) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 2 {
		return errors.New("the number of an open descriptor is wanted, 2 or more")
	}
	d.n = int(n)
	return inherit(d.n)
}

// String gives the number, nothing if there is none.
func (d *descriptor) String() string {
	if d.n == 0 {
		return ""
	}
	return strconv.Itoa(d.n)
}

// Type names the kind of value in help texts.
func (d *descriptor) Type() string { return "N" }
