#!/bin/sh
# move.sh PORTAL NQN [ARG...]: moves this system onto the drive behind the portal, as
# docs/guide/move.md has it, and powers off. ARGs are `nvmeroot configure`'s.
[ ! -e /var/lib/lab-moved ] || exit 0
exec >/dev/console 2>&1
set -eux
portal=$1 nqn=$2
shift 2
touch /var/lib/lab-moved
modprobe nvme-tcp || true
nvme connect -t tcp -a "$portal" -s 4420 -n "$nqn"
drive=
for try in $(seq 50); do
    drive=$(ls -d /dev/nvme*n1 2>/dev/null | head -n 1) && [ -n "$drive" ] && break
    sleep 0.2
done
mkfs.ext4 -q "$drive"
mount "$drive" /mnt
cp -ax / /mnt
udevadm settle
uuid=$(blkid -s UUID -o value "$drive")
sed -i "s|^[^#[:space:]][^[:space:]]*[[:space:]][[:space:]]*/[[:space:]].*|UUID=$uuid / ext4 defaults,_netdev 0 1|" /mnt/etc/fstab
for directory in boot dev proc sys run; do
    mount --bind "/$directory" "/mnt/$directory"
done
nvmeroot plan --root /mnt
nvmeroot configure --root /mnt --update-initramfs "$@"
# The boot loader of this machine.
cp "$(ls -d /boot/initrd.img-* | head -n 1)" /boot/initrd.img
echo "root=UUID=$uuid" >/boot/root
sync
umount -R /mnt
echo "lab: moved" >/dev/kmsg
systemctl poweroff
