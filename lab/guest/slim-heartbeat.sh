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
# So many hundredths as seconds with a point, in `text`: a shell in a shell would cost a
# process.
seconds() {
    text=$(($1 % 100))
    [ $text -gt 9 ] || text=0$text
    text=$(($1 / 100)).$text
}
# What was seen, whole: who reads it never finds half of it.
write() {
    seconds $longest; slowest=$text
    seconds $now
    echo "{\"beats\": $beats, \"errors\": [$errors], \"longest_stall\": $slowest, \
\"stalls\": [$stalls], \"last\": $text}" >$state.new
    mv $state.new $state
}
# Waiting is the shell's own business too.
mkfifo /run/lab/nobody
exec 3<>/run/lab/nobody

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
    news=
    if [ "$failed" ]; then
        line=$(echo "$said $more" | tr -c '[:print:]' ' ' | tr '"\\' '  ')
        seconds $began
        errors="$errors${errors:+, }\"$text $line\""
        failed= news=1
    else
        beats=$((beats + 1))
    fi
    [ $took -le $longest ] || longest=$took
    if [ $took -gt 100 ]; then
        timeouts
        seconds $began; at=$text
        seconds $took; long=$text
        seconds $((read - began)); reading=$text
        seconds $((now - read))
        stalls="$stalls${stalls:+, }{\"at\": $at, \"took\": $long, \
\"read\": $reading, \"write\": 0, \"flush\": $text, \
\"stood\": 0, \"timeouts\": $((timeouts - before))}"
        before=$timeouts news=1
    fi
    # Writing costs processes: the first time, with news, and once the report waits.
    if [ "$news" ] || [ $beats -le 1 ] || [ -e /run/lab/settled ]; then
        write
    fi
    read -t "$1" -r _ <&3
done
