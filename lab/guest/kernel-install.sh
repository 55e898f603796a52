#!/bin/sh
# In the place of dracut(8), called as `dracut --force IMAGE RELEASE`: makes the images of
# two kernels at once, then a unified kernel image by kernel-install(8), looks for the agent
# in each, and leaves the initramfs of the last one as IMAGE.
set -eu
# kernel-install calls it too.
[ $# -eq 3 ] && [ "$1" = --force ] || exec /usr/bin/dracut "$@"
image=$2 release=$3 other=0.0.1-lab
has_agent() {
    echo "lab: $1: $(lsinitrd "$1" | grep -c 'usr/lib/nvmeroot/nvmeroot-agent$') agent"
    lsinitrd "$1" | grep -q 'usr/lib/nvmeroot/nvmeroot-agent$'
}

cp -a "/usr/lib/modules/$release" "/usr/lib/modules/$other"
/usr/bin/dracut --force --regenerate-all
for each in "$release" "$other"; do
    has_agent "/boot/initrd.img-$each"
done
rm -r "/usr/lib/modules/$other" "/boot/initrd.img-$other" "/boot/initrd.img-$release"

mkdir -p /etc/kernel /boot/EFI/Linux
printf 'layout=uki\ninitrd_generator=dracut\nuki_generator=dracut\n' >/etc/kernel/install.conf
echo 'ro' >/etc/kernel/cmdline
# The simulated machine's kernel is a program: no firmware starts it.
echo 'a kernel' >/boot/lab-kernel
export SYSTEMD_RELAX_ESP_CHECKS=1 SYSTEMD_RELAX_XBOOTLDR_CHECKS=1
kernel-install --esp-path=/boot --boot-path=/boot add "$release" /boot/lab-kernel
set -- /boot/EFI/Linux/*.efi
objcopy -O binary --only-section=.initrd "$1" "$image"
has_agent "$image"
rm "$1"
