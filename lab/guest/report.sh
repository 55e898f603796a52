#!/bin/sh
# Waits as many seconds as the kernel command line says (lab.settle=), then
# prints what this machine looks like to the second serial port, section by
# section, and powers off.
mkdir -p /run/lab
settle=0
for word in $(cat /proc/cmdline); do
    case $word in lab.settle=*) settle=${word#lab.settle=} ;; esac
done
mark() {
    read -r up idle </proc/uptime
    echo "$1 $up" >>/run/lab/marks
    echo "lab: $1" >/dev/kmsg
}
# From the marker on the drive may go away: what waits must be in memory.
sleep 0
mark marker
case " $(cat /proc/cmdline) " in
*' lab.reconfigure '*)
    sleep 5
    systemctl restart systemd-networkd && mark networkd-restarted
    sleep 15
    netplan apply && mark netplan-applied
    sleep 15
    ;;
esac
sleep "$settle"
# A round of the heartbeat that is under way counts when it has ended.
beat=/run/lab/heartbeat.json
: >/run/lab/settled
patience=75
while [ -e $beat ] && [ ! $beat -nt /run/lab/settled ] && [ $patience -gt 0 ]; do
    sleep 1
    patience=$((patience - 1))
done
mark report
section() {
    echo
    echo "@section $1"
}
{
    section marks; cat /run/lab/marks
    section mounts
    for m in / /home; do findmnt -n -o TARGET,SOURCE,FSTYPE,OPTIONS --mountpoint "$m"; done
    section controllers
    for c in /sys/class/nvme/*; do
        [ -e "$c" ] || continue
        echo "${c##*/} $(cat "$c/transport") $(cat "$c/state") $(cat "$c/subsysnqn") $(cat "$c/address")"
    done
    section namespaces
    for b in /sys/class/block/nvme*; do [ -e "$b" ] && echo "${b##*/}"; done
    section heartbeat; cat /run/lab/heartbeat.json 2>/dev/null
    section addresses; ip -j address
    section details; ip -d -j link
    section rules4; ip -4 rule
    section ping
    for word in $(cat /proc/cmdline); do
        case $word in lab.ping=*)
            # ADDRESS,SIZE. The kernel sets DF on what fits the MTU, and the
            # route's MTU keeps it from being anything else.
            word=${word#lab.ping=}
            ping -c 3 -W 5 -s "${word#*,}" "${word%,*}"
            ;;
        esac
    done
    section routes4; ip -4 -j route show table all
    section routes6; ip -6 -j route show table all
    section failed
    command -v systemctl >/dev/null && systemctl --failed --no-legend --plain
    section links
    command -v networkctl >/dev/null && networkctl --no-legend --no-pager list
    # For people: what to look at where a link is not `configured`.
    section networkd
    command -v networkctl >/dev/null && networkctl --no-pager status -a -n 0
    command -v journalctl >/dev/null && journalctl -b -u systemd-networkd --no-pager -o short-monotonic
    section processes
    for p in /proc/[0-9]*; do
        exe=$(readlink "$p/exe") || continue
        echo "${p#/proc/} $(readlink "$p/root") $exe"
    done
    section record; cat /run/nvmeroot/boot.json 2>/dev/null
    section before; cat /run/lab/before 2>/dev/null
    section monitor; cat /run/lab/monitor 2>/dev/null
    section trace; cat /sys/kernel/tracing/trace 2>/dev/null
    section kernel; dmesg
    section end
} >/run/lab/report 2>/run/lab/report.errors
cat /run/lab/report >/dev/ttyS1
if command -v systemctl >/dev/null; then systemctl poweroff; else poweroff -f; fi
