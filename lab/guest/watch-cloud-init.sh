#!/bin/sh
# watch-cloud-init.sh: waits until cloud-init is through, and marks that netplan's file is
# the one that it has written; else shows what it did.
mkdir -p /run/lab
cloud-init status --wait >/dev/null 2>&1
if grep -q 'generated from information provided by the datasource' \
    /etc/netplan/50-cloud-init.yaml; then
    read -r up idle </proc/uptime
    echo "cloud-init-wrote $up" >>/run/lab/marks
else
    grep -E 'network|netplan|datasource|WARN|ERROR' /var/log/cloud-init.log | tail -n 40 >/dev/kmsg
fi
