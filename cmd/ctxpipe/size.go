package main

import (
	"math"
	"strconv"
	"strings"
)

// byteSize is a flag's value: a number of bytes that may have a suffix, powers
// of 1024 as in 64M or 64MiB.
type byteSize int64

// Set reads what was typed.
func (s *byteSize) Set(text string) error {
	n, err := parseSize(text)
	*s = byteSize(n)
	return err
}

// String gives the bytes.
func (s *byteSize) String() string { return strconv.FormatInt(int64(*s), 10) }

// Type names the kind of value in help texts.
func (s *byteSize) Type() string { return "SIZE" }

// parseSize reads a number of bytes: digits, then nothing or K, M, G or T, each
// alone or with B or iB behind.
func parseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "KMGTiBkmgtb")
	suffix := strings.ToLower(text[len(digits):])
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return 0, usagef("%q is no size: digits and K, M, G or T are wanted", text)
	}
	unit, rest := suffix, ""
	if suffix != "" && suffix[0] != 'b' {
		unit, rest = suffix[:1], suffix[1:]
	}
	power := strings.Index("bkmgt", unit)
	if unit == "" {
		power = 0
	}
	if power < 0 || rest != "" && rest != "b" && rest != "ib" || n > math.MaxInt64>>(10*power) {
		return 0, usagef("%q is no size: digits and K, M, G or T are wanted", text)
	}
	return n << (10 * power), nil
}
