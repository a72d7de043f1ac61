// Package xen walks Xen's save streams: from the header that xl writes to the
// last END, through every layer between.
//
//	xl header, configuration
//	  libxl header, LIBXC_CONTEXT
//	    libxc headers, records: pages, processors …
//	      HVM_CONTEXT, DOMAIN_CONTEXT: a context each
//	    libxc END
//	  libxl records: device model …
//	  libxl END
//	what comes behind: nothing, or a message of xl migrate
//
// A [Walker] is an io.Writer. It may be fed in any pieces and reports the same
// whatever they are; it keeps no page, and its memory does not depend on what
// lengths in the stream say:
//
//	w, err := xen.New(xen.WithStrictness(xen.Verify))
//	…
//	_, err = io.Copy(w, stream)
//	if err == nil {
//		err = w.Close() // says whether the stream was complete
//	}
//
// A [Visitor] sees what passes: records, entries of page tables, contents, and
// the points that matter to who moves a stream. [Walker.Safe] tells how much
// of a stream may be let out before the whole has been proven good.
//
// There are two strictnesses. [Load] refuses what no reader of Xen takes, and
// what it takes only by mistake. [Verify] refuses whatever a good writer
// does not write. The rules are those of docs/spec/xen-streams.md,
// docs/spec/hvm-context.md and docs/spec/domain-context.md; each error carries
// the id of the rule that was broken.
package xen
