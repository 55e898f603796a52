#!/bin/busybox sh
# slim-heartbeat.sh SECONDS: every so many seconds one read from the drive, past the
# page cache, and one write with a flush. What it saw is in /run/lab/heartbeat.json, in
# the form of heartbeat.py. It runs in a root that has nothing but busybox.
state=/run/lab/heartbeat.json
beats=0 errors= longest=0 stalls=
mkdir -p /run/lab

# Hundredths of a second since the kernel started.
now() {
    read -r up _ </proc/uptime
    # A leading zero would make it octal.
    now=$((${up%.*} * 100 + 1${up#*.} - 100))
}
# How often TCP waited for an acknowledgement in vain.
timeouts() {
    timeouts=$(awk '/^TcpExt:/ {
        if (!n) { n = NF; for (i = 1; i <= NF; i++) if ($i == "TCPTimeouts") at = i } else print $at
    }' /proc/net/netstat)
}
seconds() {
    printf '%d.%02d' $(($1 / 100)) $(($1 % 100))
}

dd if=/dev/zero of=/.lab-read bs=4096 count=1 conv=fsync 2>/dev/null
dd if=/dev/zero of=/.lab-beat bs=4096 count=1 conv=fsync 2>/dev/null
timeouts
before=$timeouts
while :; do
    now; began=$now
    said=$(dd if=/.lab-read of=/dev/null bs=4096 count=1 iflag=direct 2>&1) || failed=1
    now; read=$now
    more=$(dd if=/dev/zero of=/.lab-beat bs=512 count=1 conv=notrunc,fsync 2>&1) || failed=1
    now; took=$((now - began))
    if [ "$failed" ]; then
        line=$(echo "$said $more" | tr -c '[:print:]' ' ' | tr '"\\' '  ')
        errors="$errors${errors:+, }\"$(seconds $began) $line\""
        failed=
    else
        beats=$((beats + 1))
    fi
    [ $took -le $longest ] || longest=$took
    if [ $took -gt 100 ]; then
        timeouts
        stalls="$stalls${stalls:+, }{\"at\": $(seconds $began), \"took\": $(seconds $took), \
\"read\": $(seconds $((read - began))), \"write\": 0, \"flush\": $(seconds $((now - read))), \
\"stood\": 0, \"timeouts\": $((timeouts - before))}"
        before=$timeouts
    fi
    echo "{\"beats\": $beats, \"errors\": [$errors], \"longest_stall\": $(seconds $longest), \
\"stalls\": [$stalls], \"last\": $(seconds $now)}" >$state.new
    mv $state.new $state
    sleep "$1"
done
