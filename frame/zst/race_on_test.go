//go:build race

package zst

const raceEnabled = true
