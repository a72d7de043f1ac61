// Package proc runs other programs, and says what each has cost: seconds of
// the processor, those of its children included, and the most memory it held.
//
//	p, err := proc.Start(ctx, proc.Command{"zstd", "-1", "-c"}, in, out)
//	…
//	p.Watch() // its memory, where that is wanted more than its time
//	cost, err := p.Wait()
//
// [Scratch] makes files for what the programs write: in memory where the system can,
// so that no disk is measured and no guest's memory is left behind on one.
package proc
