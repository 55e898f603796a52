#!/bin/sh
# netplan-generate.sh MERGED DIR: `netplan generate`, by the tree's own netplan,
# for each configuration below DIR (DIR/NAME/root). Run by configure.sh.
set -eu
mount -t proc proc "$1/proc"
mount --bind "$2" "$1/mnt"
for root in "$2"/*/root; do
    name=${root%/root}
    name=${name##*/}
    chroot "$1" netplan generate --root-dir "/mnt/$name/root" >"$2/$name/generate.log" 2>&1 || {
        cat "$2/$name/generate.log"
        echo "netplan refuses $name"
        exit 1
    }
done
