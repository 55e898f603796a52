# Ends the program that reached root's drives. Connections, addresses and routes
# stay, till the running system takes them over; nothing of the initramfs goes on
# running. Before that it waits for udev.

# What ends udev comes next. With initramfs-tools it waits a minute for udev's workers;
# if one is still reading a drive whose path is gone, it fails, `/dev` is not there
# for the running system, and the kernel panics. Paths come back: wait for longer.
tries=20
while command -v udevadm >/dev/null && ! udevadm settle --timeout=30 >/dev/null 2>&1; do
	[ "$tries" -lt 20 ] ||
		echo "<5>nvmeroot: udev has not read all drives yet; waiting" >/dev/kmsg
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || break
done

/usr/lib/nvmeroot/nvmeroot-agent stop >/dev/null 2>&1 && exit 0

# It did not answer: end it anyway. Its leases were applied without an end.
for path in /proc/[0-9]*; do
	name=
	{ read -r name <"$path/comm"; } 2>/dev/null
	[ "$name" = nvmeroot-agent ] || continue
	kill -s KILL "${path##*/}" 2>/dev/null
done
exit 0
