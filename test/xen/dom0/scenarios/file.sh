# shellcheck shell=bash
# A guest is saved into a compressed file and comes back from it, through a pipe and as restore's command.
for guest in pv pvh; do
	need "$guest"
	row "$guest" "saved into a file"
	check "xl save -p, compress" timed save_into /tmp/file "$guest" -p
	check "the source is paused" paused "$guest"
	check "xl unpause" quiet xl unpause "$guest"
	ends source

	for how in pipe command; do
		row "$guest" "saved, destroyed, restored by $how"
		check "xl save -p, compress" save_into /tmp/file "$guest" -p
		check "the source is destroyed" quiet xl destroy "$guest"
		check "restore, xl restore" timed restore_by "$how" /tmp/file
		ends copy
	done
done
rm -f /tmp/file
