# shellcheck shell=bash
# Live migrations that break, at every moment that the protocol of xl migrate has.

# breaks WHAT FAULT WAY BYTES WHERE: a row.
breaks() {
	need pvh
	row pvh "live migration, $1"
	check "xl migrate fails" timed fails migrate pvh "$2" "$3" "$4"
	ends "$5"
	if [ "$5" != source ]; then gone pvh; fi
}

need pvh
row pvh "live migration, nothing breaks"
check "xl migrate" timed migrate pvh none
check "ctxpipe ssh has ended well" wait_for 30 counted /tmp/stats
ends copy
half=$((${row_wire:-40000000} / 2))

breaks "cut at its beginning" cut there 1000 source
breaks "bit flipped at its beginning" flip there 100000 source
breaks "connection lost in the middle" drop there $half source
breaks "sender killed in the middle" kill-ssh there $half source
breaks "receiver killed in the middle" kill-receive there $half source
breaks "sender killed at the last pages" kill-ssh suspended pvh source
breaks "receiver killed at the last pages" kill-receive suspended pvh source

# What comes back is 54 bytes when xl migrate-receive is ready, 88 when it has received the guest, 128 when that runs.
breaks "connection lost in \"ready\"" drop back 30 source
breaks "connection lost in \"received\"" drop back 87 source
breaks "receiver killed once it has received" kill-receive back 87 source

# Here xl itself gives up and leaves a stopped guest to a person: it cannot know whether the copy runs.
breaks "connection lost behind \"received\"" late back 87 "stopped source"
breaks "connection lost behind the start of the copy" drop back 127 "copy and stopped source"
