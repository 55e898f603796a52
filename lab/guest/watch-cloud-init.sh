#!/bin/sh
# watch-cloud-init.sh WORD: waits until cloud-init is through, and marks that netplan's file
# has the word that only cloud-init knows; else shows what it did.
mkdir -p /run/lab
cloud-init status --wait >/dev/null 2>&1
if grep -q "$1" /etc/netplan/50-cloud-init.yaml; then
    read -r up idle </proc/uptime
    echo "cloud-init-wrote $up" >>/run/lab/marks
else
    grep -E 'netplan|WARN|ERROR' /var/log/cloud-init.log | tail -n 40 |
        while read -r line; do echo "$line" >/dev/kmsg; done
fi
exit 0
