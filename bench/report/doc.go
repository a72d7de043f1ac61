// Package report says what a run has measured: as tables of text, as the page
// BENCHMARKS.md, and as pictures. All of it is computed from the run; where
// ctxpipe loses is found in the figures, too.
package report
