// Package faults is a room for tests: what they need to hurt a command, to see what it does
// then, and to tell what was tried.
//
// A test whose name begins with TestReliability counts its rounds in a [Tally], or measures a
// [Run] under a ceiling. The command in the folder report runs all of them and makes
// docs/reliability.md of what they have told.
//
// [Hostile] gives streams that ask for more than they are worth: for each layer, and each
// limit of it, one that only that limit stops.
package faults
