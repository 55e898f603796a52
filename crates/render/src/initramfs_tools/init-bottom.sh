#!/bin/sh
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`; regenerate the initramfs after one with
# `update-initramfs -u`.
#
# Ends the DHCP client of the initramfs and leaves addresses and routes as they
# are: the running system's own client takes them over.

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

[ -e "$nvmeroot_run/dhcpcd-started" ] || exit 0

# signal_clients SIGNAL: sends it to every dhcpcd; fails where there is none.
signal_clients()
{
	local path name found=1
	for path in /proc/[0-9]*; do
		name=
		{ read -r name <"$path/comm"; } 2>/dev/null
		[ "$name" = dhcpcd ] || continue
		kill -s "$1" "${path##*/}" 2>/dev/null && found=0
	done
	return "$found"
}

# The file says `persistent`: what is asked to end leaves the interface alone.
if signal_clients TERM; then
	deadline=$(($(nvmeroot_now) + 3))
	while signal_clients 0; do
		if [ "$(nvmeroot_now)" -ge "$deadline" ]; then
			signal_clients KILL
			break
		fi
		nvmeroot_nap
	done
fi
# Else the running system's dhcpcd would take them for those of its own.
rm -rf /run/dhcpcd
exit 0
