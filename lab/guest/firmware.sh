#!/bin/sh
# The first process of a simulated machine whose firmware leaves boot tables: such a machine
# has no ACPI, so /sys/firmware is a memory filesystem with the tables of the scenario
# (/lab-NBFT…), and stays so in the running system. Then the initramfs begins as ever; what
# is mounted already does not bother it.
mkdir -p /sys
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t tmpfs -o nosuid,nodev,noexec,mode=0755 tmpfs /sys/firmware
mkdir -p /sys/firmware/acpi/tables
# Only root reads them, as from the kernel.
umask 377
for table in /lab-NBFT*; do
    [ ! -e "$table" ] || cat "$table" >"/sys/firmware/acpi/tables/${table#/lab-}"
done
umask 022
echo "lab: /sys/firmware/acpi is the lab's: $(echo /sys/firmware/acpi/tables/*)"
rm -f /lab-NBFT* /lab-firmware
exec /init "$@"
