#!/bin/sh
# Marks in the kernel's log that a stage of the initramfs begins, and for how long
# the processor had nothing to do by now (proc_uptime(5)).
case "$1" in
prereqs) exit 0 ;;
esac
stage=${0%/*}
stage=${stage##*/}
read -r _ idle </proc/uptime
echo "lab-mark: stage $stage" >/dev/kmsg
echo "lab-mark: idle $stage $idle" >/dev/kmsg
