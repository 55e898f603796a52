#!/bin/sh
# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`; regenerate the initramfs after one with
# `update-initramfs -u`.
#
# Puts the program that reaches root's drives into the initramfs, with its plan
# and the kernel modules that it works with.

PREREQ="udev"

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

. /usr/share/initramfs-tools/hook-functions

# file PATH: copies it, mode and all; 1 says that it is there already.
file()
{
	copy_file file "$1" || [ $? -eq 1 ] || {
		echo "E: nvmeroot: can't copy \`$1\`" >&2
		echo "E: nvmeroot: hint: run \`nvmeroot configure\` again" >&2
		exit 1
	}
}

# It is static: it needs no library.
file /usr/lib/nvmeroot/nvmeroot-agent
file /etc/nvmeroot/plan.json

# What root's virtual links and its connections need and nvme-tcp does not name.
modules=/etc/nvmeroot/modules
if [ -e "$modules" ]; then
	while read -r module; do
		manual_add_modules "$module"
	done <"$modules"
	# Else these two make a link of their own when they are loaded, and `bond0`
	# would be there before it is created with its parameters.
	mkdir -p "$DESTDIR/etc/modprobe.d"
	printf '%s\n' 'options bonding max_bonds=0' 'options dummy numdummies=0' \
		>"$DESTDIR/etc/modprobe.d/nvmeroot.conf"
fi

manual_add_modules nvme-tcp af_packet
# With MODULES=dep only the drivers of what root lies on now would be there.
[ "$MODULES" = most ] || auto_add_modules net
exit 0
