#!/bin/sh
# add-packages.sh MERGED PACKAGE...: run by configure.sh; adds packages to the
# merged tree. Nothing of them is started.
set -eu
merged=$1
shift
mount -t proc proc "$merged/proc"
mount -t sysfs sysfs "$merged/sys"
mount --bind /dev "$merged/dev"
mount -t tmpfs lists "$merged/var/lib/apt/lists"
mount -t tmpfs archives "$merged/var/cache/apt"
cp /etc/resolv.conf "$merged/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$merged/usr/sbin/policy-rc.d"
chmod 755 "$merged/usr/sbin/policy-rc.d"
export DEBIAN_FRONTEND=noninteractive
chroot "$merged" apt-get -q -y -o Acquire::Languages=none update
chroot "$merged" apt-get -q -y --no-install-recommends \
    -o DPkg::Options::=--force-unsafe-io install "$@"
rm -f "$merged/etc/resolv.conf" "$merged/usr/sbin/policy-rc.d"
# Every host builds its own.
rm -f "$merged"/boot/initrd.img-*
