// Package gen makes save streams of guests that never ran: whole streams of a PV
// guest, from xl's header to the last END, that the strict verifier accepts.
// The same Guest gives the same bytes. Of memory no more than one batch of pages
// is kept, whatever the size.
//
//	_, err := gen.Guest{Memory: 1 << 30, Mix: guestmem.Usual, Seed: 1, Passes: 3}.WriteTo(w)
//
// Memory goes in batches of up to 1024 pages, as Xen's saver cuts it. With several
// passes the stream is that of a live migration: each pass after the first sends
// again what a running guest would have changed, most of it only a little.
package gen
