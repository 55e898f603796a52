#!/bin/sh
# What the floor needs in the initramfs.
case "$1" in
prereqs) echo udev; exit 0 ;;
esac
. /usr/share/initramfs-tools/hook-functions
copy_exec /usr/bin/ip /bin/ip
manual_add_modules nvme-tcp
