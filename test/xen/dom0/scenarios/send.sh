# shellcheck shell=bash
# ctxpipe send moves a guest that need not be live: xl saves it, and it is destroyed only once the copy runs.

# breaks GUEST WHAT FAULT WAY BYTES WHERE: a row.
breaks() {
	need "$1"
	row "$1" "send, $2"
	check "ctxpipe send fails" timed fails send "$1" "$3" "$4" "$5"
	ends "$6"
	if [ "$6" != source ]; then gone "$1"; fi
}

for guest in pv pvh; do
	need "$guest"
	row "$guest" "send through ssh"
	check "ctxpipe send" timed send "$guest"
	check "it has counted" counted /tmp/stats
	ends copy
done
half=$((${row_wire:-40000000} / 2))

breaks pv "cut in the middle" cut there $half source
breaks pvh "connection lost in the middle" drop there $half source
breaks pv "bit flipped in the middle" flip there $half source
breaks pvh "receiver killed in the middle" kill-receive there $half source
breaks pv "sender killed in the middle" kill-send there $half source
breaks pv "answers cut in \"ready\"" cut back 30 source
breaks pv "answers cut in \"received\"" cut back 87 source

# Here only a person can say whether the copy runs, so the guest is left paused.
breaks pvh "receiver killed once it has received" kill-receive back 87 "stopped source"
breaks pv "answers cut behind \"received\"" cut back 88 "copy and stopped source"
breaks pv "sender killed once the copy runs" kill-send back 88 "copy and stopped source"
