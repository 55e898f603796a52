#!/bin/sh
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`; regenerate the initramfs after one with
# `update-initramfs -u`.
#
# Runs every second while the initramfs waits for the root filesystem's device
# (30 s, or what `rootdelay=` says): tries again what could not be connected.

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

. /etc/curtin-nvme-over-tcp/functions

nvmeroot_way_wait=0
. /etc/curtin-nvme-over-tcp/connect-nvme
exit 0
