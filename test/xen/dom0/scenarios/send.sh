# shellcheck shell=bash
# ctxpipe send moves a guest that need not be live: xl saves it, and it is destroyed only once the copy runs.

# breaks GUEST WHAT FAULT WAY BYTES WHERE STATUS...: a row. send may end with any of these.
breaks() {
	local guest=$1 where=$6
	need "$guest"
	row "$guest" "send, $2"
	check "ctxpipe send fails with status ${*:7}" timed status "${*:7}" send "$guest" "$3" "$4" "$5"
	ends "$where"
	if [ "$where" != source ]; then gone "$guest"; fi
}

for guest in pv pvh; do
	need "$guest"
	row "$guest" "send through ssh"
	check "ctxpipe send" timed send "$guest"
	check "it has counted" counted /tmp/stats
	ends copy
done
half=$((${row_wire:-40000000} / 2))

breaks pv "cut in the middle" cut there $half source 1
breaks pvh "connection lost in the middle" drop there $half source 255
breaks pv "bit flipped in the middle" flip there $half source 1
breaks pvh "receiver killed in the middle" kill-receive there $half source 137
breaks pv "sender killed in the middle" kill-send there $half source 137
breaks pv "connection lost in \"ready\"" drop back 30 source 255
breaks pv "connection lost in \"received\"" drop back 87 source 255
breaks pvh "receiver killed once it has received" kill-receive back 87 "source" 1 3 137 255

# Only a person can say now whether the copy runs, so the guest is left paused.
breaks pv "connection lost behind \"received\"" late back 87 "stopped source" 4
breaks pvh "connection lost behind the start of the copy" drop back 127 "copy and stopped source" 4
breaks pv "sender killed behind the start of the copy" kill-send back 127 "copy and stopped source" 137
