#!/bin/sh
# The least that connecting can take: the network is up, one request is written.
case "$1" in
prereqs) exit 0 ;;
esac
modprobe nvme-tcp
/bin/ip link set ens3 up
/bin/ip address add 10.77.0.50/24 dev ens3
carrier=0
while [ "$carrier" != 1 ]; do
	{ read -r carrier </sys/class/net/ens3/carrier; } 2>/dev/null || carrier=0
done
# The neighbour is known as well: something was sent to it.
/bin/ip neighbour add 10.77.0.1 lladdr 52:54:00:4c:01:01 dev ens3
sleep 1
echo 'stage floor' >/sys/kernel/tracing/trace_marker
printf %s '@REQUEST@' >/dev/nvme-fabrics
# And the least that asking a portal by the kernel can take: one request more.
sleep 1
echo 'stage discovery' >/sys/kernel/tracing/trace_marker
printf %s '@DISCOVERY@' >/dev/nvme-fabrics
echo 'stage discovered' >/sys/kernel/tracing/trace_marker
for controller in /sys/class/nvme/nvme*; do
	read -r kind <"$controller/cntrltype"
	[ "$kind" != discovery ] || echo 1 >"$controller/delete_controller"
done
