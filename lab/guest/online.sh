#!/bin/sh
# online.sh: asks a real target from each tree in /var/lib/lab-online, and says which of the
# findings about portals each gets.
cd /var/lib/lab-online || exit 1
words='portal-[a-z-]*|nqn-unknown|host-refused|nothing-offered|secret-missing|secret-wrong|no-namespace'
for case in *; do
    /usr/local/lib/lab/nvmeroot check --root "$case" --curtin "$case/curtin.yaml" --online \
        --format json >/run/found 2>/run/told
    found=$(grep -oE "\"finding\": ?\"($words)\"" /run/found | cut -d'"' -f4 | tr '\n' ' ')
    grep -q 'is ready, with 1 namespace$' /run/told && found="${found}ready "
    echo "lab: online $case: ${found:-$(tail -n 1 /run/told)}" >/dev/kmsg
done
