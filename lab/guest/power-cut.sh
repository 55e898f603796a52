#!/bin/sh
# power-cut.sh CUTS: checks that the running system is whole after a loss of power, and
# configures it again and again until the next one. After CUTS of them it reverts.
cuts=$1
own=/var/lib/lab-power
lab=/usr/local/lib/lab
say() { echo "lab: $*" >/dev/kmsg; }
broken() { say "broken: $*"; }

agent="--agent $lab/nvmeroot-agent"
# In a tree that has the package the package's is used.
[ -e $lab/nvmeroot-agent ] || agent=
nvmeroot() { $lab/nvmeroot "$@" >$own/said 2>&1; }
configure() {
    case $1 in
    agent) nvmeroot configure --root / --curtin $own/curtin.yaml $agent ;;
    scripts) nvmeroot configure --root / --curtin $own/curtin.yaml --runtime scripts ;;
    esac || broken "configure $1: $(cat $own/said)"
}
# What nvmeroot may have changed.
state() {
    for place in /etc/nvmeroot /etc/curtin-nvme-over-tcp /etc/initramfs-tools /etc/netplan \
        /etc/systemd /etc/NetworkManager /etc/network /etc/nvme /usr/lib/nvmeroot; do
        [ ! -e $place ] || find $place ! -type d -printf '%p %y %m %u:%g %l\n' -type f -exec sha256sum {} +
    done | sort
}
is_state() {
    state >$own/now
    cmp -s $own/now "$own/$1" || broken "not as $1: $(diff "$own/$1" $own/now | head -n 5)"
}
slow_down() {
    modprobe sch_netem || return
    for card in /sys/class/net/e*; do
        tc qdisc replace dev "${card##*/}" root netem delay 700ms || return
    done
}

mkdir -p $own
boots=$(cat $own/boots 2>/dev/null || echo 0)
nvmeroot plan --root / --curtin $own/curtin.yaml || broken "plan: $(cat $own/said)"
for runtime in scripts agent; do
    configure $runtime
    ! grep -q 'an earlier run was interrupted' $own/said || say "a change was cut off"
    [ -e $own/$runtime ] || state >$own/$runtime
    is_state $runtime
done
left=$(find /etc /usr/lib /var/lib -xdev -name '.*.nvmeroot-*')
[ -z "$left" ] || broken "left: $left"
say "whole after $boots cuts"
echo $((boots + 1)) >$own/boots
sync
if [ "$boots" -lt "$cuts" ]; then
    # An emulated processor works so long between two changes that a cut would seldom
    # meet one: behind a slow network the change takes as long.
    if ! grep -q 'User Mode Linux' /proc/cpuinfo; then
        if slow_down >$own/said 2>&1; then
            say "the network is slow"
        else
            broken "the network is not slow: $(cat $own/said)"
        fi
    fi
    say "configures"
    while :; do
        configure scripts
        configure agent
    done
fi
nvmeroot revert --root / || broken "revert: $(cat $own/said)"
for path in /etc/nvmeroot/plan.json /etc/initramfs-tools/hooks/nvmeroot /var/lib/nvmeroot; do
    [ ! -e $path ] || broken "$path is still there"
done
say "reverted"
: >$own/last
