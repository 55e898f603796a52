#!/bin/sh
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`; regenerate the initramfs after one with
# `update-initramfs -u`.
#
# Starts the program that brings root's network up and connects root's drives.
# It works in the background from here on; init-premount waits for it.

# None, and not udev: udev's own script ends when all devices are found, and root's
# card may be among the first.
PREREQ=""

prereqs()
{
	echo "$PREREQ"
}

case "$1" in
prereqs)
	prereqs
	exit 0
	;;
esac

case " $(cat /proc/cmdline) " in
*' nvmeroot=off '*) exit 0 ;;
esac

kmsg=/dev/null
[ ! -w /dev/kmsg ] || kmsg=/dev/kmsg
/usr/lib/nvmeroot/nvmeroot-agent run </dev/null >/dev/null 2>>"$kmsg" &
exit 0
