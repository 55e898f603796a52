#!/bin/sh
# build-boot.sh OUT MERGED LABEL: run by configure.sh; makes a drive for /boot, with what
# the merged tree has there and the initramfs that is in OUT.
set -eu
out=$1 merged=$2 label=$3
stage=$out/boot.stage
mkdir "$stage"
cp -a "$merged/boot/." "$stage/"
for config in "$stage"/config-*; do
    release=${config##*/config-}
    cp "$out/initrd" "$stage/initrd.img-$release"
    # Of a kernel without one, linux-version(1) knows nothing.
    [ -e "$stage/vmlinuz-$release" ] || echo lab >"$stage/vmlinuz-$release"
done
truncate -s 250M "$out/boot.new"
mkfs.ext4 -q -F -L "$label" -E lazy_itable_init=1,lazy_journal_init=1,nodiscard \
    -d "$stage" "$out/boot.new"
rm -r "$stage"
mv "$out/boot.new" "$out/boot"
