# Runs every second while the initramfs waits for the root filesystem's device
# (30 s, or what `rootdelay=` says): tries again what could not be connected.

. /etc/curtin-nvme-over-tcp/functions

nvmeroot_way_wait=0
. /etc/curtin-nvme-over-tcp/connect-nvme
exit 0
