// Package move moves a guest to another host in such a way that it is never lost, and never runs
// twice: it speaks for `xl save -p` what `xl migrate` says to a receiver.
//
//	asking ---------> saving ---------> promised ---------> cleared ---------> gone
//	   | no receiver     | save or        | rename, or         | no clear
//	   |                 | stream fails   | receiver fails     | answer
//	   v                 v                v                    v
//	untouched         kept  <----------- kept <--- refused   undecided
//
//	asking     the far side is being started; the guest runs here
//	saving     xl save -p has suspended the guest and streams it
//	promised   the far side has the whole stream, and a paused copy of the guest
//	cleared    the far side may let its copy run: from here on only its answer says who has the guest
//	gone       the copy runs, and the guest here was destroyed
//	kept       the guest runs on here, and no copy is left
//	undecided  the guest is paused here, and a person has to look at both hosts
//
// The guest here is destroyed on one message only, which says that the copy runs, and goes on only
// if the copy cannot run: nobody has cleared it, or it was reported as destroyed. A receiver
// that hears nothing destroys its copy by itself.
//
// xl save is never stopped. It destroys nothing with -p, but where its pipe breaks in the wrong
// moment the guest stays suspended; so after a failure what it writes is read and dropped.
package move
