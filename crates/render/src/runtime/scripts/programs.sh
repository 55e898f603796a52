# program NAME PACKAGE: copies it and its libraries, and sets `program`.
program()
{
	program=
	for dir in /usr/sbin /usr/bin /sbin /bin; do
		if [ -x "$dir/$1" ]; then
			program=$dir/$1
			break
		fi
	done
	[ -n "$program" ] ||
		fail "the program \`$1\` is missing" "install the package \`$2\`"
	copy_exec "$program" || fail "can't copy \`$program\`" "is there room in \`$DESTDIR\`?"
}

# account FILE NAME: an entry of passwd or group, unless it is there already.
account()
{
	mkdir -p "$DESTDIR/etc"
	grep -qs "^$2:" "$DESTDIR/$1" || grep -s "^$2:" "/$1" >>"$DESTDIR/$1"
}

program nvme nvme-cli
file /etc/nvme/hostnqn 'run `nvmeroot configure` with `--hostnqn` and `--hostid`'
file /etc/nvme/hostid 'run `nvmeroot configure` with `--hostnqn` and `--hostid`'

# Where a controller asks who we are, nvme finds the answer there.
if [ -e /etc/initramfs-tools/conf.d/nvmeroot ]; then
	file /etc/nvme/config.json 'run `nvmeroot configure` again'
fi

# busybox has an `ip` too, which knows less, and its hook, which runs earlier or
# later, links it to every place that is still free.
for dir in /usr/sbin /usr/bin /sbin /bin; do
	rm -f "$DESTDIR$dir/ip"
done
program ip iproute2
mkdir -p "$DESTDIR/sbin"
[ -e "$DESTDIR/sbin/ip" ] || ln -s "$program" "$DESTDIR/sbin/ip"

# Where DHCP is used.
if [ -e /etc/curtin-nvme-over-tcp/dhcpcd.conf ]; then
	program dhcpcd dhcpcd-base
	file /etc/curtin-nvme-over-tcp/dhcpcd.conf 'run `nvmeroot configure` again'
	for path in /usr/lib/dhcpcd/dhcpcd-run-hooks /usr/libexec/dhcpcd-run-hooks \
		/usr/lib/dhcpcd/dhcpcd-hooks/* /usr/libexec/dhcpcd-hooks/*; do
		[ ! -f "$path" ] || file "$path" 'install the package `dhcpcd-base` again'
	done
	# The user that it becomes, and the directory that it locks itself into.
	for user in root dhcpcd _dhcpcd; do
		account etc/passwd "$user"
	done
	for group in root nogroup dhcpcd _dhcpcd; do
		account etc/group "$group"
	done
	mkdir -p "$DESTDIR/var/lib/dhcpcd" "$DESTDIR/usr/lib/dhcpcd"
fi

# What a card does itself root does not depend on.
if grep -qs '^ethtool ' /etc/curtin-nvme-over-tcp/network-up; then
	if command -v ethtool >/dev/null; then
		program ethtool ethtool
	else
		echo 'W: nvmeroot: the initramfs sets no offloads: the program `ethtool` is missing' >&2
	fi
fi
