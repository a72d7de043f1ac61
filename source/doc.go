// Package source is the load side: domain contexts in, from any io.Reader.
//
// A [Reader] gives the entries of a context one after the other. It tells the
// layout by itself, takes exactly the bytes of the context from its source,
// and holds every length against a limit before it believes it:
//
//	r, err := source.NewReader(pipe)
//	for {
//		e, err := r.Next()
//		if err == io.EOF {
//			break // END, and everything in order
//		}
//		...
//		n, err := e.ReadZeroExtended(record) // or Read, View, WriteTo
//		err = e.End(source.EndStrict)
//	}
//
// Code that loads one kind of state is a handler. Handlers are registered in
// a [Registry], which hands each entry to the handler of its type, in the
// order of the stream, while the domain is paused. Nothing that a handler did
// can be undone when a later entry is bad; where the input can be read twice,
// [Registry.CheckThenLoad] looks at all of it first.
//
// There are two strictnesses. Loading is tolerant where earlier writers
// differed. [Verify] is not: it also checks what loading has no need of, and
// that nothing follows.
//
// Errors are sticky and carry their place ([frame.Error]). io.EOF is returned
// only behind END; a context that is cut anywhere before is
// io.ErrUnexpectedEOF. A Reader is for one goroutine.
//
// The format is described in docs/spec/domain-context.md.
package source
