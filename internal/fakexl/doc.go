// Package fakexl is a room for tests: an xl and an ssh without Xen, which speak
// xl's protocol of migration and are as dangerous as the real ones. A test
// makes them commands, beside the one that it tests:
//
//	testscript.Main(m, map[string]func(){"ctxpipe": main, "xl": fakexl.XL, "ssh": fakexl.SSH})
//
// # What they do
//
//	xl create NAME STREAM              a running domain whose memory is a stream's; the real one takes no stream
//	xl list [DOM]; xl domid NAME
//	xl rename DOM NEW; xl pause DOM; xl unpause DOM; xl destroy DOM
//	xl save [-p|-c] DOM FILE
//	xl restore [-p] [CFG] FILE         of CFG only the line name = "…" counts
//	xl migrate [-s CMD] [-p] DOM HOST
//	xl migrate-receive [-p]
//	ssh [OPTION…] HOST COMMAND…        by sh, with FAKEXL_HOST=HOST
//
// DOM is a name or a number. Dangers of the real xl are kept on purpose:
//
//   - End of file is an error inside libxc's part only. Behind libxc's END it counts
//     as libxl's END, and inside a record there missing bytes are zeros: the guest
//     starts.
//   - Flipped bits in pages go unseen. [Domain.Digest] tells what a guest was
//     made of.
//   - `xl save` destroys the guest when its last write has succeeded, whatever
//     becomes of the bytes. A write that fails lets the guest go on; but where xl
//     itself writes, in front of libxc's part and behind it, a broken pipe kills
//     xl, and behind it the guest stays suspended.
//   - A receiver reads no byte that is not its own: behind libxl's END message 5
//     comes on the same pipe, and is nothing else.
//   - A sender leaves the guest suspended if its receiver, once cleared, does not
//     answer clearly. And a receiver that cannot say that it has received, or report,
//     leaves its paused copy.
//   - ssh reads ahead of its command. When it dies, both pipes of its command break
//     and the command goes on by itself.
//
// A live migration suspends the guest in front of the last PAGE_DATA record. A guest
// that is paused can be neither saved nor migrated, since it cannot answer. Not
// here: Remus, COLO, --debug's VERIFY pass, legacy streams.
//
// # Where things are
//
// All is in a folder, $FAKEXL_DIR, which [Dir] makes and looks into. The host that
// a command runs on is $FAKEXL_HOST, or "here".
//
//	hosts/HOST/domains/ID              a [Domain] as JSON
//	hosts/HOST/streams/ID              its stream, from libxl's header to libxl's END, which stays
//	journal                            each change of a domain: an [Event] as JSON a line, in order
//	log                                each command: HOST PID COMMAND ARGUMENTS a line
//	lock                               held during changes
//
// # Failures
//
// $FAKEXL_FAIL is a list of rules with spaces between, each of which comes true
// once in each process that it fits:
//
//	[HOST/]COMMAND[@POINT]=ACTION
//
// COMMAND is one of xl's, or ssh, whose HOST is the one it goes to. So a rule can be
// for one side only, though both see all of them. POINT is where it happens:
//
//	                 as the command begins
//	N                when N bytes of the stream have passed: written by save and migrate, read by
//	                 restore and migrate-receive, carried to its command by ssh. Bytes count from
//	                 the first of xl's header
//	before-N         before message N of a migration (docs/spec/xen-streams.md §8) is written by
//	after-N          one side or read by the other, or after; N is 1, 3, 5, 7 or 8
//	suspend rename unpause resume destroy
//	                 when save, restore, migrate or migrate-receive would do that to a domain
//
// ACTION is what happens:
//
//	exit:CODE        the command exits, and leaves all as it is
//	kill             it is killed
//	fail             what would be done next fails, and the command goes on from there as the real one
//	wrong            the message of before-N is written with wrong bytes, or taken for wrong
//	wait:FILE        FILE.reached appears, and nothing happens until FILE does; a relative name
//	                 is one in $FAKEXL_DIR
//
// For example, a migration whose receiver is killed once it has promised to be
// ready, and one that waits in the middle of the stream for `touch $FAKEXL_DIR/go`:
//
//	FAKEXL_FAIL='migrate-receive@after-3=kill'
//	FAKEXL_FAIL='migrate@100000=wait:go'
package fakexl
