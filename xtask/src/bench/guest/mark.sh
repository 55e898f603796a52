#!/bin/sh
# Marks in the kernel's trace that a stage of the initramfs begins. The first
# one starts the trace: when a drive becomes visible (disk_uevent sends what udev
# and everybody else learns it from), and when a path to it can be used. Of the
# trace's clocks `global` is the one that the kernel's log has.
case "$1" in
prereqs) exit 0 ;;
esac
trace=/sys/kernel/tracing
stage=${0%/*}
stage=${stage##*/}
if [ "$stage" = init-top ]; then
	mount -t tracefs tracefs $trace
	echo global >$trace/trace_clock
	# name: after three numbers, where struct gendisk has it.
	echo 'p:lab/disk disk_uevent name=+12($arg1):string' >>$trace/kprobe_events
	# nvme_core is not loaded yet; the kernel adds the probe when it is. Till then
	# some kernels (6.12.117) do not believe that a function begins there, and have
	# no `$arg1`: it is in this register of x86_64.
	echo 'p:lab/path nvme_core:nvme_mpath_set_live path=%di' >>$trace/kprobe_events
	echo 1 >$trace/events/lab/enable
fi
echo "stage $stage" >$trace/trace_marker
# How long the processor had nothing to do by now (proc_uptime(5)).
read -r _ idle </proc/uptime
echo "idle $stage $idle" >$trace/trace_marker
