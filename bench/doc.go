// Package bench measures ctxpipe beside the programs that one would otherwise put
// into the pipe: whole processes, all in the same run, round by round in turn.
//
// There are four parts. Codecs are run from a file to a file and back. Moves take a
// stream over a link of limited rate, through real pipes and TCP. Saves write
// domain contexts with and without holding them. Flat runs tell whether memory
// follows a stream's length. [Measure] runs them and gives the samples; what they say is
// computed in bench/result and bench/report.
//
// Everything here may import everything, and only the command imports it.
package bench
