# Brings the network up and connects the drives that the root filesystem lies
# on.

. /etc/curtin-nvme-over-tcp/functions

mkdir -p "$nvmeroot_run"

udevadm settle --timeout=10
. /etc/curtin-nvme-over-tcp/interfaces
nvmeroot_say 6 'bringing the network up'
. /etc/curtin-nvme-over-tcp/network-up
nvmeroot_say 6 'network is up, connecting'
modprobe nvme-tcp || nvmeroot_say 3 'the kernel module `nvme-tcp` could not be loaded'
. /etc/curtin-nvme-over-tcp/connect-nvme
exit 0
