# shellcheck shell=bash
# xl migrate carries a live guest to this same host, with ctxpipe ssh in the place of ssh.
need pvh
row pvh "live migration through ssh"
check "xl migrate -s 'ctxpipe ssh'" timed migrate pvh
check "ctxpipe ssh has ended well" wait_for 30 counted /tmp/stats
ends copy

row pvh "live migration without ssh"
check "xl migrate -s 'ctxpipe ssh --via near'" timed migrate pvh none
check "ctxpipe ssh has ended well" wait_for 30 counted /tmp/stats
ends copy

# Debian's Xen is built without shadow paging, so it cannot follow what a PV guest writes.
need pv
row pv "live migration that Xen itself refuses"
check "xl migrate fails" timed fails migrate pv
ends source
