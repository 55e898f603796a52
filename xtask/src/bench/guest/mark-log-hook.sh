#!/bin/sh
# Marks in the kernel's log that a drive is visible. The first rule of all runs a
# program at once, and not when all rules are through.
case "$1" in
prereqs) echo udev; exit 0 ;;
esac
rules=$DESTDIR/usr/lib/udev/rules.d
mkdir -p "$rules"
cat >"$rules/00-lab-mark.rules" <<'RULE'
ACTION=="add", SUBSYSTEM=="block", KERNEL=="nvme*n*", PROGRAM="/bin/sh -c 'echo lab-mark: drive %k >/dev/kmsg'"
RULE
