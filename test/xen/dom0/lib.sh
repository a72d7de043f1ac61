# shellcheck shell=bash
# What the scenarios share. They run in dom0, see ./run. The guests are called pv and pvh after what they are; their
# consoles are /out/guest-NAME.log (of a copy that xl migrated guest-NAME--incoming.log).
log=/out/xl.log # what xl and ctxpipe say
rows=/out/rows  # of the report: guest|what|seconds|bytes on the wire|bytes of the stream|where the guest is|ok or FAIL
failed=0

say() { echo "### $(cut -d' ' -f1 /proc/uptime) $*" | tee -a "$log"; }

# check WHAT COMMAND...: prints PASS WHAT or FAIL WHAT, and the seconds it took.
check() {
	local what=$1 start=$SECONDS
	shift
	if "$@"; then
		echo "PASS $what ($((SECONDS - start)) s)"
	else
		echo "FAIL $what ($((SECONDS - start)) s)"
		grep -v 'xc: progress' "$log" | tail -n 12 | sed 's/^/     /'
		failed=$((failed + 1))
	fi
}

# all_zero STATUS...: for  all_zero "${PIPESTATUS[@]}"
all_zero() {
	local status
	for status in "$@"; do [ "$status" = 0 ] || return 1; done
}

# fails COMMAND...: the command must fail.
fails() { ! "$@"; }

# status "NUMBER..." COMMAND...: the command must end with one of these.
status() {
	local status=0
	"${@:2}" || status=$?
	[[ " $1 " == *" $status "* ]] || ! say "status $status"
}

# quiet COMMAND...: what it says goes to the log.
quiet() { "$@" >>"$log" 2>&1; }

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 1
	done
}

# --- rows of the report

# row GUEST WHAT: begins a row. What follows until ends belongs to it.
row() {
	row_guest=$1 row_what=$2 row_seconds='' row_wire='' row_plain='' row_failed=$failed
	row_domid=$(xl domid "$1" 2>/dev/null)
	row_tick=$(last tick "$1")
	say "$1: $2"
}

# timed COMMAND...: its seconds are the row's.
timed() {
	local start=$EPOCHREALTIME status=0
	"$@" || status=$?
	row_seconds=$(awk "BEGIN {printf \"%.1f\", $EPOCHREALTIME - $start}")
	return "$status"
}

# counted FILE: the row's bytes are those of statistics that ctxpipe has written, as a compressor.
counted() {
	[ -s "$1" ] || return
	row_plain=$(sed -n 's/.*"bytes_in":\([0-9]*\).*/\1/p' "$1")
	row_wire=$(sed -n 's/.*"bytes_out":\([0-9]*\).*/\1/p' "$1")
}

# ends WHERE: ends a row with the checks that hold for all: where the guest is, that it lives if it has to, that there were
# never two of it, and that no filter is left behind.
ends() {
	local result=ok
	check "$row_guest is at: $1" wait_for 300 at "$1"
	case $1 in source* | copy*) check "it lives, and its memory is whole" lives "$row_guest" ;; esac
	check "there were never two of it" ran_once "$row_guest"
	check "no filter is left" wait_for 120 no_filter
	check "it still is at: $1" at "$1"
	[ "$failed" = "$row_failed" ] || result=FAIL
	echo "$row_guest|$row_what|$row_seconds|$row_wire|$row_plain|$(where "$row_guest")|$result" >>"$rows"
}

# where GUEST: where it runs and where it is stopped: source is the one that was there when the row began, copy any other.
where() {
	copies "$1" | awk -v source="$row_domid" '
		{place = ($3 ~ /[pscd]/ ? "stopped " : "") ($2 == source ? "source" : "copy"); all = place (NR > 1 ? " and " all : "")}
		END {print NR ? all : "nowhere"}'
}
at() { [ "$(where "$row_guest")" = "$1" ]; }

# --- ways of a guest

# save_into FILE GUEST OPTION: xl save, with -p (then paused) or -c (then running on), through compress.
save_into() {
	quiet_save "$2" "$3" | ctxpipe compress --stats /tmp/stats >"$1" 2>>"$log"
	all_zero "${PIPESTATUS[@]}" && counted /tmp/stats
}
quiet_save() { xl save "$2" "$1" /dev/stdout 2>>"$log"; }
# save_part_into FILE GUEST: the same, but xl save dies on the way. xl lets the guest go on then.
save_part_into() {
	quiet_save "$2" -p | head -c 60000000 | ctxpipe compress >"$1" 2>>"$log"
	[ "${PIPESTATUS[2]}" = 0 ]
}

# restore_by pipe|command FILE [CONFIG]: through restore, in both ways that it has.
restore_by() {
	local how=$1 file=$2
	shift 2
	if [ "$how" = command ]; then
		quiet ctxpipe restore "$file" -- xl restore "$@" /dev/stdin
		return
	fi
	ctxpipe restore "$file" 2>>"$log" | quiet xl restore "$@" /dev/stdin
	all_zero "${PIPESTATUS[@]}"
}

# migrate GUEST [FAULT...]: xl migrate to this same host, through ssh unless a fault is to happen.
migrate() {
	local guest=$1 command='ctxpipe ssh --stats /tmp/stats'
	shift
	[ $# = 0 ] || command+=" --via='/in/near $1 ${2:-there} ${3:-0}'"
	rm -f /tmp/stats
	quiet xl migrate -s "$command" "$guest" localhost
}

# send GUEST [FAULT...]: the same with ctxpipe send.
send() {
	local guest=$1 options=()
	shift
	[ $# = 0 ] || options=(--via "/in/near $1 ${2:-there} ${3:-0}")
	rm -f /tmp/stats
	quiet ctxpipe send --stats /tmp/stats "${options[@]}" "$guest" localhost
}

no_filter() { ! pgrep -x ctxpipe >/dev/null; }

# --- guests

# guest_config GUEST pv|pvh [KERNEL-ARGUMENT...]: writes /tmp/GUEST.cfg; fill=, dirty= and seed= go to the guest's work.py.
guest_config() {
	local guest=$1 type=$2
	shift 2
	cat >"/tmp/$guest.cfg" <<-CFG
		name = "$guest"
		type = "$type"
		memory = 192
		vcpus = 1
		kernel = "/guest/vmlinux"
		ramdisk = "/guest/guest-initrd.zst"
		extra = "console=hvc0 mitigations=off loglevel=4 $*"
		tsc_mode = "native"
		on_crash = "destroy"
	CFG
}

# need GUEST: the guest pv or pvh runs, now or still, with its memory filled. The PVH one dirties 300 pages a second.
need() {
	local dirty=0
	if one_running "$1"; then return; fi
	gone "$1"
	[ "$1" = pv ] || dirty=300
	guest_config "$1" "$1" fill=0.2 dirty=$dirty seed=1
	check "$1 started" quiet xl create "/tmp/$1.cfg"
	check "$1 has filled its memory" wait_for 900 guest_said "$1" 'GUEST FILLED'
}

# gone GUEST: destroys all there is of it, and puts its console's output aside: what is started now begins anew.
gone() {
	local name
	copies "$1" | while read -r name _; do quiet xl destroy "$name"; done
	guest_log "$1" >>"/out/earlier-$1.log"
	rm -f "/out/guest-$1.log" "/out/guest-$1--"*
	no_copy "$1"
}

# guest_log NAME: all console output of a guest, whatever xl called it when it logged.
guest_log() { cat "/out/guest-$1.log" "/out/guest-$1--"*.log 2>/dev/null; }
guest_said() { guest_log "$1" | grep -aq "$2"; }

# last tick|check NAME: the highest number the guest has printed.
last() { guest_log "$2" | grep -ao "GUEST $1 [0-9]*" | awk '$3 > n {n = $3} END {print n + 0}'; }
past() { [ "$(last "$1" "$2")" -ge "$3" ]; }

# copies NAME: name, number and state of every domain that is NAME or one of xl's temporary names for it.
copies() { xl list | awk -v n="$1" '$1 == n || index($1, n "--") == 1 {print $1, $2, $(NF - 1)}'; }
no_copy() { [ -z "$(copies "$1")" ]; }
paused() { copies "$1" | grep -q "^$1 [0-9]* --p"; }
# one_running NAME: exactly one copy runs, under its own name, neither paused, shut down, crashed nor dying.
one_running() { copies "$1" | awk -v n="$1" '$3 !~ /[pscd]/ {running++; named += $1 == n} END {exit !(running == 1 && named)}'; }

# lives NAME: one copy runs, and one only; its clock ticks on from where it was; two passes over all its memory that began after
# now find nothing damaged.
lives() {
	local name=$1 tick check
	tick=$(last tick "$name")
	check=$(last check "$name")
	one_running "$name" &&
		wait_for 600 past tick "$name" $((tick + 3)) &&
		wait_for 600 past check "$name" $((check + 3)) &&
		fails guest_said "$name" 'GUEST DAMAGED' &&
		one_running "$name"
}

# ran_once NAME: since the row began no tick came twice, as those of two running copies would. One may: the console ring is
# in guest memory, so what xenconsoled read after the ring was saved is printed again by the copy.
ran_once() {
	guest_log "$1" | grep -ao 'GUEST tick [0-9]* uptime [0-9]*\.[0-9][0-9]' |
		awk -v from="$row_tick" '$3 >= from && seen[$3]++ {again++; if ($5 != at[$3]) two = 1} {at[$3] = $5} END {exit !(again <= 1 && !two)}'
}
