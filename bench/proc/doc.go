// Package proc runs other programs, and says what each has cost: seconds of
// the processor, those of its children included, and the most memory it held.
//
//	cost, err := proc.Run(ctx, proc.Command{"zstd", "-1", "-c"}, in, out)
//
// [Scratch] makes files for what the programs write: in memory where the system can,
// so that no disk is measured and no guest's memory is left behind on one.
package proc
