// Package result is what a run of ctxpipe bench has measured: every sample of every
// round, with the machine and the commands, as it stands in the run's JSON. What
// is said about it, medians, spreads, the Pareto front, is computed from that, and
// nothing else is kept.
package result
