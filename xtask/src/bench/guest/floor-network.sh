/bin/ip link set ens3 up
/bin/ip address add 10.77.0.50/24 dev ens3
carrier=0
while [ "$carrier" != 1 ]; do
	{ read -r carrier </sys/class/net/ens3/carrier; } 2>/dev/null || carrier=0
done
# The neighbour is known as well: something was sent to it.
/bin/ip neighbour add 10.77.0.1 lladdr 52:54:00:4c:01:01 dev ens3
