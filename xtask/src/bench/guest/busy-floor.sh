#!/bin/sh
# The least that connecting can take at the moment when the agent does it: udev
# looks for devices, the network is up, one request is written.
case "$1" in
prereqs) exit 0 ;;
esac
{
	renice -n -10 -p "$$" >/dev/null
	modprobe nvme-tcp
	modprobe virtio_net
	until [ -e /sys/class/net/ens3 ]; do
		sleep 0.02
	done
@NETWORK@
	echo 'lab-mark: stage floor' >/dev/kmsg
	printf %s '@REQUEST@' >/dev/nvme-fabrics
} </dev/null >/dev/null 2>&1 &
exit 0
