#!/bin/sh
# The least that connecting can take: the network is up, one request is written.
case "$1" in
prereqs) exit 0 ;;
esac
modprobe nvme-tcp
@NETWORK@
sleep 1
echo 'lab-mark: stage floor' >/dev/kmsg
printf %s '@REQUEST@' >/dev/nvme-fabrics
# And the least that asking a portal by the kernel can take: one request more.
sleep 1
echo 'lab-mark: stage discovery' >/dev/kmsg
printf %s '@DISCOVERY@' >/dev/nvme-fabrics
echo 'lab-mark: stage discovered' >/dev/kmsg
for controller in /sys/class/nvme/nvme*; do
	read -r kind <"$controller/cntrltype"
	[ "$kind" != discovery ] || echo 1 >"$controller/delete_controller"
done
