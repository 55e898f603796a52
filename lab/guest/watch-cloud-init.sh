#!/bin/sh
# watch-cloud-init.sh: waits until cloud-init is through, and marks that netplan's file is
# the one that it has written.
mkdir -p /run/lab
cloud-init status --wait >/dev/null 2>&1
grep -q 'generated from information provided by the datasource' \
    /etc/netplan/50-cloud-init.yaml || exit 0
read -r up idle </proc/uptime
echo "cloud-init-wrote $up" >>/run/lab/marks
