#!/bin/sh
# dhcpcd waits before its first question and probes the address that it is
# offered, as it does by itself: the original does not tell it otherwise.
case "$1" in
prereqs) echo curtin-nvme-over-tcp; exit 0 ;;
esac
conf=$DESTDIR/etc/curtin-nvme-over-tcp/dhcpcd.conf
grep -qx noarp "$conf" && grep -qx nodelay "$conf" || {
    echo "$conf does not say noarp and nodelay" >&2
    exit 1
}
sed -i -e '/^noarp$/d' -e '/^nodelay$/d' "$conf"
