# shellcheck shell=bash
# A guest goes on while it is saved, and the checkpoint starts beside it under another name, or in its place.
for guest in pv pvh; do
	need "$guest"
	row "$guest" "checkpoint"
	check "xl save -c, compress" timed save_into /tmp/file "$guest" -c
	ends source

	guest_config "copy-of-$guest" "$guest"
	row "copy-of-$guest" "checkpoint restored beside the guest"
	check "restore, xl restore" timed restore_by pipe /tmp/file "/tmp/copy-of-$guest.cfg"
	ends copy
	check "the guest lives beside it" lives "$guest"
	check "the copy is destroyed" gone "copy-of-$guest"

	row "$guest" "checkpoint restored in place of the guest"
	check "the guest is destroyed" gone "$guest"
	check "restore, xl restore" timed restore_by command /tmp/file
	ends copy
done
rm -f /tmp/file
