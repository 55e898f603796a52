# Ends the DHCP client of the initramfs and keeps the addresses and the routes
# that root needs, till the running system's own client takes them over.

. /etc/curtin-nvme-over-tcp/functions

# signal_clients SIGNAL: sends it to every dhcpcd; fails where there is none.
signal_clients()
{
	local path name found=1
	for path in /proc/[0-9]*; do
		name=
		{ read -r name <"$path/comm"; } 2>/dev/null
		[ "$name" = dhcpcd ] || continue
		kill -s "$1" "${path##*/}" 2>/dev/null && found=0
	done
	return "$found"
}

# Its configuration says `persistent`: it leaves the interface as it is.
if [ -e "$nvmeroot_run/dhcpcd-started" ] && signal_clients TERM; then
	deadline=$(($(nvmeroot_now) + 3))
	while signal_clients 0; do
		if [ "$(nvmeroot_now)" -ge "$deadline" ]; then
			signal_clients KILL
			break
		fi
		nvmeroot_nap
	done
fi
if [ -e "$nvmeroot_run/dhcpcd-started" ]; then
	# Else the running system's dhcpcd would take what is here for its own.
	rm -rf /run/dhcpcd
fi

# Nobody renews the leases till the running system does. Were one to run out
# before, the kernel would take the address away, and what renews it could no
# longer be read from root.
for path in "$nvmeroot_run"/storage-*; do
	interface=${path#"$nvmeroot_run/storage-"}
	"$nvmeroot_ip" -o address show dev "$interface" scope global dynamic 2>/dev/null |
		while read -r _ _ family address flags; do
			case $family in
			inet) set -- -4 address change ;;
			inet6) set -- -6 address change ;;
			*) continue ;;
			esac
			set -- "$@" "$address" dev "$interface" valid_lft forever preferred_lft forever
			# The kernel takes what is not repeated for gone.
			case " $flags " in
			*' noprefixroute '*) [ "$family" = inet ] || set -- "$@" noprefixroute ;;
			esac
			"$nvmeroot_ip" "$@"
		done
done

# The running system sets a default route of its own for router advertisements,
# beside the one that is there, and nobody would ever remove that one. So only
# what the drives need stays of it, for as long as a router is commonly believed
# (RFC 4861, section 6.2.1: AdvDefaultLifetime).
keep_default=
for path in "$nvmeroot_sys"/class/nvme/nvme*; do
	address=
	{ read -r address <"$path/address"; } 2>/dev/null
	address=${address#*traddr=}
	address=${address%%,*}
	case $address in
	*:*) ;;
	*) continue ;;
	esac
	route=$("$nvmeroot_ip" -6 route get "$address" 2>/dev/null) || continue
	route=$(nvmeroot_one_line "$route")
	case $route in
	*' via '*' proto ra '*)
		gateway=${route#*" via "}
		device=${route#*" dev "}
		"$nvmeroot_ip" -6 route replace "$address" via "${gateway%% *}" \
			dev "${device%% *}" proto ra metric 100 expires 1800 ||
			keep_default=y
		;;
	esac
done
[ -n "$keep_default" ] || "$nvmeroot_ip" -6 route flush default proto ra
exit 0
