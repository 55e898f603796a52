#!/bin/sh
# The first process of a machine whose root is a host's tree, by hostfs: puts the drives
# /dev/ubda, /dev/ubdb together as lab.under= says, and copies the files of lab.content=
# there. What it makes has the names and identities of lab/src/under.rs.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
under= content=
for word in $(cat /proc/cmdline); do
    case $word in
    lab.under=*) under=${word#lab.under=} ;;
    lab.content=*) content=${word#lab.content=} ;;
    esac
done
mkdir -p /run/from /run/to /run/lock/lvm /run/cryptsetup

# No udev runs: who makes a device makes its node.
lvm() {
    command=$1
    shift
    command lvm "$command" --config 'activation { udev_sync=0 udev_rules=0 monitoring=0 }
        backup { backup=0 archive=0 } devices { obtain_device_list_from_udev=0 }' "$@"
}
ext4() {
    mkfs.ext4 -q -F -L "$1" -E lazy_itable_init=1,lazy_journal_init=1,nodiscard "$2"
}
# What root is mounted from is at /run/to, empty.
build() {
    set -e
    mount -t hostfs -o "hostfs=$content" content /run/from
    for module in dm-mod dm-crypt raid1 ext4 btrfs xts algif_skcipher; do
        modprobe $module
    done
    case $under in
    lvm | apart)
        lvm pvcreate /dev/ubda
        lvm vgcreate labvg /dev/ubda
        case $under in
        lvm) lvm lvcreate -n root -l 100%FREE labvg ;;
        apart)
            lvm lvcreate -n root -L 400M labvg
            lvm lvcreate -n usr -L 900M labvg
            lvm lvcreate -n var -L 300M labvg
            ;;
        esac
        ext4 labroot /dev/mapper/labvg-root
        mount /dev/mapper/labvg-root /run/to
        [ $under = lvm ] || for name in usr var; do
            ext4 lab$name /dev/mapper/labvg-$name
            mkdir /run/to/$name
            mount /dev/mapper/labvg-$name /run/to/$name
        done
        ;;
    raid1)
        mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --metadata=1.2 \
            --uuid=1ab00000:00000000:00000000:00000001 --homehost=labhost --name=labroot \
            --bitmap=internal --assume-clean /dev/ubda /dev/ubdb
        ext4 labroot /dev/md0
        mount /dev/md0 /run/to
        ;;
    luks)
        cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 \
            --pbkdf-force-iterations 1000 --uuid 1ab00000-0000-4000-8000-000000000002 \
            --key-file /etc/keys/labcrypt.key /dev/ubda
        cryptsetup open --key-file /etc/keys/labcrypt.key /dev/ubda labcrypt
        ext4 labroot /dev/mapper/labcrypt
        mount /dev/mapper/labcrypt /run/to
        ;;
    btrfs)
        mkfs.btrfs -q -L labroot /dev/ubda
        mount /dev/ubda /run/to
        btrfs subvolume create /run/to/@
        umount /run/to
        mount -o subvol=@ /dev/ubda /run/to
        ;;
    *)
        echo "lab: no such stack: $under"
        return 1
        ;;
    esac
    cp -a /run/from/. /run/to
    rm -f /run/to/run/stack.sh
    umount -R /run/to
    case $under in
    lvm | apart) lvm vgchange -an labvg ;;
    raid1) mdadm --stop /dev/md0 ;;
    luks) cryptsetup close labcrypt ;;
    esac
    sync
}
# In a shell of its own: `set -e` ends that, and not the first process.
(build)
[ $? -ne 0 ] || echo 'lab: stack is built'
busybox poweroff -f
