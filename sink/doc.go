// Package sink is the save side: domain contexts out, to anything that takes
// bytes.
//
// The length of an entry stands in front of it, and a handler knows it only
// at the end. The package solves that in three ways behind one [Writer]:
//
//   - [NewSeekable]: the descriptor goes out with a mark for its length, the
//     body goes straight through, and End patches the length in place;
//   - [NewStaged]: a pipe cannot be patched, so the entry is held, its
//     descriptor reserved in front, and leaves when it ends, in one write if it is small.
//     Large pieces can be handed over without a copy ([Entry.HandOver]);
//   - [NewPlanned]: a dry run of the same code ([DryRun]) has learned every
//     length, so descriptors go out first and bodies stream through unheld. Small entries leave together.
//     This is how a context of any size goes through a pipe.
//
// The same calls give the same bytes on all three.
//
// Code that saves one kind of state is a handler. Handlers are registered in
// a [Registry], which runs them in order of type while the domain is paused:
//
//	var reg sink.Registry
//	reg.Register(frame.TSCInfoType, "TSC_INFO", func(w *sink.Writer) error {
//		return w.Entry(frame.TSCInfoType, 0, tsc.Append(nil, w.Layout()))
//	})
//	err := reg.SaveTo(ctx, domain, pipe)
//
// A [Writer] can also be driven by hand, entry by entry, with [Writer.Begin]
// and [Entry.End].
//
// Errors are sticky: after the first one every call returns it, and
// [Writer.Close] does not write END, so that nothing can take what was
// written for a whole context. A Writer is for one goroutine.
//
// The format is described in docs/spec/domain-context.md.
package sink
