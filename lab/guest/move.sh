#!/bin/sh
# move.sh PORTAL NQN: one stage of a move each time the system runs, as docs/guide/move.md
# has it: onto the drive behind the portal; back again; and there once more, to stay. Each
# stage but the last ends with the machine switched off. What the boot loader of this
# machine starts, and the stage, lies in /boot, which both roots share.
[ ! -e /boot/lab-there ] || exit 0
exec >/dev/console 2>&1
set -eux
portal=$1 nqn=$2

connect()
{
    modprobe nvme-tcp || true
    nvme connect -t tcp -a "$portal" -s 4420 -n "$nqn"
    drive=
    for try in $(seq 50); do
        drive=$(ls -d /dev/nvme*n1 2>/dev/null | head -n 1) && [ -n "$drive" ] && break
        sleep 0.2
    done
}

# The drive at /mnt is configured for the next boot.
configure()
{
    for directory in boot dev proc sys run; do
        mount --bind "/$directory" "/mnt/$directory"
    done
    nvmeroot plan --root /mnt
    nvmeroot configure --root /mnt --update-initramfs
    nvmeroot check --root /mnt --online
    load "root=UUID=$(blkid -s UUID -o value "$drive")"
    umount -R /mnt
}

# load WORD: the boot loader starts the initramfs that was made, with that root.
load()
{
    cp "$(ls -d /boot/initrd.img-* | head -n 1)" /boot/initrd.img
    echo "$1" >/boot/root
    sync
}

case $(cat /boot/lab-stage 2>/dev/null) in
'')
    connect
    mkfs.ext4 -q "$drive"
    mount "$drive" /mnt
    cp -ax / /mnt
    udevadm settle
    uuid=$(blkid -s UUID -o value "$drive")
    sed -i "s|^[^#[:space:]][^[:space:]]*[[:space:]][[:space:]]*/[[:space:]].*|UUID=$uuid / ext4 defaults,_netdev 0 1|" /mnt/etc/fstab
    grep -o 'root=[^ ]*' /proc/cmdline >/boot/lab-local
    configure
    stage=moved
    ;;
moved)
    case $(findmnt -n -o SOURCE /) in /dev/nvme*) ;; *) exit 1 ;; esac
    nvmeroot check --root / --online
    nvmeroot revert --root / --update-initramfs
    # Of a list with `&&` only the last command ends the shell.
    for place in /etc/nvmeroot /var/lib/nvmeroot; do
        [ ! -e "$place" ] || exit 1
    done
    # Else it is the package's.
    [ -e /var/lib/dpkg/info/nvmeroot.list ] || [ ! -e /usr/lib/nvmeroot ] || exit 1
    load "$(cat /boot/lab-local)"
    stage=back
    ;;
back)
    case $(findmnt -n -o SOURCE /) in /dev/nvme*) exit 1 ;; esac
    connect
    mount "$drive" /mnt
    configure
    touch /boot/lab-there
    stage=there
    ;;
esac
echo "$stage" >/boot/lab-stage
sync
echo "lab: $stage" >/dev/kmsg
systemctl poweroff
