# shellcheck shell=bash
# A compressed file that is cut or has a flipped bit starts no guest, and neither does one whose xl save died.

# u32 FILE OFFSET: the number there.
u32() { od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '; }

# find_parts FILE: where its parts begin, by its seek table (docs/spec/transport.md, 8).
find_parts() {
	local size entries
	size=$(stat -c %s "$1")
	entries=$(u32 "$1" $((size - 9)))
	table=$((size - 9 - 12 * entries - 8))
	seal=$((table - $(u32 "$1" $((size - 9 - 12)))))
	last_frame=$((seal - $(u32 "$1" $((size - 9 - 24)))))
	middle=$((size / 2))
	end=$size
}

# damaged cut|flipped WHERE OFFSET: a row for such a file. What one guest tries by a pipe the other does by a command.
damaged() {
	row "$guest" "file $1 $2, restored by $how"
	if [ "$1" = cut ]; then
		head -c "$3" /tmp/file >/tmp/damaged
	else
		/in/near flip there "$3" - cat </tmp/file >/tmp/damaged
	fi
	check "restore and xl restore refuse it" timed fails restore_by "$how" /tmp/damaged
	ends nowhere
	if [ "$how" = pipe ]; then how="command"; else how="pipe"; fi
}

for guest in pv pvh; do
	need "$guest"
	row "$guest" "xl save dies in the middle"
	check "compress refuses it" fails save_part_into /tmp/file "$guest"
	check "what it left is refused" fails quiet ctxpipe compress -t /tmp/file
	ends source

	check "xl save -p, compress" save_into /tmp/file "$guest" -p
	check "the source is destroyed" quiet xl destroy "$guest"
	find_parts /tmp/file
	how="pipe"
	[ "$guest" = pv ] || how="command"
	damaged cut "in the middle" "$middle"
	damaged cut "in the last frame" $(((last_frame + seal) / 2))
	damaged cut "in front of the seal" "$seal"
	damaged cut "in front of the seek table" "$table"
	damaged cut "by its last byte" $((end - 1))
	damaged flipped "in the header" 20
	damaged flipped "in the middle" "$middle"
	damaged flipped "in the last frame" $(((last_frame + seal) / 2))
	damaged flipped "in the seal" $((seal + 30))
	damaged flipped "in the seek table" $(((table + end) / 2))

	row "$guest" "file as it was"
	check "restore, xl restore" timed restore_by pipe /tmp/file
	ends copy
done
rm -f /tmp/file /tmp/damaged
