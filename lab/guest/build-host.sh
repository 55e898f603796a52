#!/bin/sh
# build-host.sh OUT RELEASE MERGED CONTENT GENERATOR NVMEROOT: run by configure.sh; builds
# the initramfs of the merged tree, has it checked, and a drive with the files of CONTENT.
set -eu
out=$1 release=$2 merged=$3 content=$4 generator=$5 nvmeroot=$6
mount -t proc proc "$merged/proc"
mount -t sysfs sysfs "$merged/sys"
mount --bind /dev "$merged/dev"
case $generator in
dracut) chroot "$merged" dracut --force "/boot/initrd.img-$release" "$release" ;;
*) chroot "$merged" update-initramfs -c -k "$release" ;;
esac
umount "$merged/proc" "$merged/sys" "$merged/dev"
# A tree that boots has no fault.
if [ -e "$merged/etc/nvmeroot/plan.json" ]; then
    kernel=$merged/boot/vmlinuz-$release
    if [ -e "$kernel" ]; then kernel=; else echo lab >"$kernel"; fi
    "$nvmeroot" check --root "$merged" || {
        echo "lab: \`nvmeroot check\` finds a fault"
        exit 1
    }
    [ ! "$kernel" ] || rm "$kernel"
fi
mv "$merged/boot/initrd.img-$release" "$out/initrd"
truncate -s 1500M "$out/drive.new"
mkfs.ext4 -q -F -L labroot -E lazy_itable_init=1,lazy_journal_init=1,nodiscard \
    -d "$content" "$out/drive.new"
mv "$out/drive.new" "$out/drive"
