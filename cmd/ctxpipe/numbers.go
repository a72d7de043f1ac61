package main

import (
	"fmt"
	"math"
)

// Numbers for a person to read.

// clock gives seconds for reading: "0:07", "1:02:03".
func clock(seconds float64) string {
	s := int(math.Ceil(seconds))
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

func ratio(plain, packed int64) float64 {
	if packed == 0 {
		return 0
	}
	return float64(plain) / float64(packed)
}

func rate(bytes int64, seconds float64) int64 {
	if seconds <= 0 {
		return 0
	}
	return int64(float64(bytes) / seconds)
}

// integer is what can be counted.
type integer interface{ ~int | ~int64 | ~uint64 }

// count gives a number and the right word for it: "1 page", "1,020 pages".
func count[N integer](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// grouped gives a number with its thousands apart: "1,048,576".
func grouped[N integer](n N) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size gives bytes for reading: "17 B", "1.5 MiB".
func size(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n)/(1<<10), 0
	for f >= 1<<10 && i < len(units)-1 {
		f, i = f/(1<<10), i+1
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// shortSize gives bytes as flags take them, "256M", rounded up.
func shortSize(n int64) string {
	n = (n + 1<<20 - 1) >> 20
	if n%1024 == 0 {
		return fmt.Sprintf("%dG", n/1024)
	}
	return fmt.Sprintf("%dM", n)
}
