#!/bin/busybox sh
# The target: loads its drivers, carries out /lab/setup, then every line that
# arrives on the port that the kernel command line names (lab.port=).
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/sbin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mkdir -p /etc /tmp /var/run /var/lib/misc
echo 'root:x:0:0:root:/:/bin/sh' >/etc/passwd
echo 'nobody:x:65534:65534:nobody:/:/bin/false' >>/etc/passwd
echo 'nogroup:x:65534:' >/etc/group
for module in /modules/*.ko; do insmod "$module" || echo "lab: cannot load $module"; done
mount -t configfs none /sys/kernel/config
ip link set lo up
port=ttyS1
for word in $(cat /proc/cmdline); do
    case $word in lab.port=*) port=${word#lab.port=} ;; esac
done
# What arrives at a port that nobody holds open is lost.
exec 3<"/dev/$port"
stty raw -echo <&3
. /lab/setup && echo "lab: target ready"
while read -r line <&3; do
    if eval "$line"; then echo "lab: command succeeded"; else echo "lab: command failed"; fi
done
