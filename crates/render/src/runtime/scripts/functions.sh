# This file was written by nvmeroot. Changes to it are lost with the next
# `nvmeroot configure`; regenerate the initramfs after one with
# `update-initramfs -u`.
#
# What the boot scripts share, for any POSIX shell with `local`. It is sourced.
# The functions `ip`, `sysctl`, `ethtool`, `dhcpcd` and `nvme` stand in front of
# the programs of those names, so that `network-up` and `connect-nvme` can be
# plain commands and every failure is still named on the console, within a
# bounded time.

nvmeroot_etc=/etc/curtin-nvme-over-tcp
nvmeroot_run=/run/nvmeroot
nvmeroot_sys=/sys
nvmeroot_proc=/proc
# By its path: some builds of busybox take their own `ip`, which knows less,
# whenever no path is given.
nvmeroot_ip=/sbin/ip
# Seconds that an interface, a lease, a way to a controller may take.
nvmeroot_interface_wait=20
nvmeroot_dhcp_wait=30
nvmeroot_way_wait=10
nvmeroot_namespace_wait=5

# nvmeroot_say LEVEL TEXT: one line for the kernel's log, which is also what
# the console shows. Level 3 is an error and appears in spite of `quiet`.
nvmeroot_say() {
	{ printf '<%s>nvmeroot: %s\n' "$1" "$2" >/dev/kmsg; } 2>/dev/null ||
		printf 'nvmeroot: %s\n' "$2" >&2
}

# nvmeroot_fail TOPIC TEXT: says an error; of one topic the same only once,
# for what is tried every second is not to fill the console.
nvmeroot_fail() {
	local before=
	[ -r "$nvmeroot_run/failed-$1" ] && read -r before <"$nvmeroot_run/failed-$1"
	[ "$before" = "$2" ] && return 0
	nvmeroot_say 3 "$2"
	{ printf '%s\n' "$2" >"$nvmeroot_run/failed-$1"; } 2>/dev/null || :
}

# nvmeroot_one_line TEXT: on standard output, with single spaces.
nvmeroot_one_line() {
	set -f
	# shellcheck disable=SC2086 # split on purpose
	set -- $1
	set +f
	printf '%s' "$*"
}

# Seconds since the machine started, on standard output.
nvmeroot_now() {
	local up rest
	read -r up rest </proc/uptime
	printf '%s' "${up%%.*}"
}

nvmeroot_nap() {
	sleep 0.2 2>/dev/null || sleep 1
}

# nvmeroot_storage_link INTERFACE: the interface, which is yet to be created,
# leads to the root filesystem.
nvmeroot_storage_link() {
	nvmeroot_storage_interfaces="${nvmeroot_storage_interfaces-} $1 "
	# Where init-bottom finds it.
	: >"$nvmeroot_run/storage-$1"
}

# nvmeroot_storage INTERFACE: the card leads to the root filesystem.
nvmeroot_storage() {
	local deadline now
	nvmeroot_storage_link "$1"
	now=$(nvmeroot_now)
	: "${nvmeroot_interface_deadline:=$((now + nvmeroot_interface_wait))}"
	deadline=$nvmeroot_interface_deadline
	while [ ! -e "$nvmeroot_sys/class/net/$1" ]; do
		if [ "$(nvmeroot_now)" -ge "$deadline" ]; then
			nvmeroot_say 3 "there is no interface \`$1\`, which leads to the root filesystem; there are:$(nvmeroot_interfaces)"
			return 0
		fi
		nvmeroot_nap
	done
}

# The interfaces that there are, on standard output.
nvmeroot_interfaces() {
	local path names=
	for path in "$nvmeroot_sys"/class/net/*; do
		case ${path##*/} in
		lo | '*') ;;
		*) names="$names \`${path##*/}\`" ;;
		esac
	done
	printf '%s' "${names:- none}"
}

# nvmeroot_no_advertisements INTERFACE: nothing that leads to the root
# filesystem comes by router advertisements, and routes that the kernel made of
# them would stay beside those of the running system.
nvmeroot_no_advertisements() {
	local file="/proc/sys/net/ipv6/conf/$1/accept_ra"
	[ ! -e "$file" ] || echo 0 >"$file"
}

# nvmeroot_dhcp_metric INTERFACE METRIC: of the routes that DHCP brings, the
# same as the running system will give them.
nvmeroot_dhcp_metric() {
	nvmeroot_dhcp_metrics="${nvmeroot_dhcp_metrics-} $1=$2 "
}

# nvmeroot_slow_links SECONDS: so long it takes, beyond what cards do, till a
# link that leads to the root filesystem lets packets through.
nvmeroot_slow_links() {
	nvmeroot_dhcp_wait=$((nvmeroot_dhcp_wait + $1))
	nvmeroot_way_wait=$((nvmeroot_way_wait + $1))
}

# sysctl -w NAME=VALUE: the name with slashes, the value a number.
sysctl() {
	{ printf '%s\n' "${2##*=}" >"$nvmeroot_proc/sys/${2%=*}"; } 2>/dev/null && return 0
	nvmeroot_say 3 "\`sysctl $*\` failed"
	return 1
}

# What a card does itself is never worth a boot.
ethtool() {
	local said
	said=$(command ethtool "$@" 2>&1) && return 0
	nvmeroot_say 4 "\`ethtool $*\` failed: $(nvmeroot_one_line "$said")"
}

ip() {
	local said asked="ip $*"
	case "$*" in
	# The running system sets the same routes and rules with this protocol; with
	# any other they would stay beside its own.
	'route add '*) set -- "$@" proto static ;;
	'rule add '* | '-6 rule add '*) set -- "$@" protocol static ;;
	esac
	said=$("$nvmeroot_ip" "$@" 2>&1) && return 0
	case "$asked $said" in
	# It is there, but who knows with what parameters.
	'ip link add '*) ;;
	*'File exists'* | *'already assigned'*) return 0 ;;
	esac
	nvmeroot_say 3 "\`$asked\` failed: $(nvmeroot_one_line "$said")"
	return 1
}

dhcpcd() {
	local interface word family=DHCP metric=100 mac type file said
	for word; do
		case $word in
		-4) family=DHCPv4 ;;
		-6) family=DHCPv6 ;;
		*) interface=$word ;;
		esac
	done
	file="$nvmeroot_run/dhcpcd-$interface.conf"
	case ${nvmeroot_dhcp_metrics-} in
	*" $interface="*)
		metric=${nvmeroot_dhcp_metrics#*" $interface="}
		metric=${metric%% *}
		;;
	esac
	if [ ! -e "$nvmeroot_sys/class/net/$interface" ]; then
		nvmeroot_say 3 "no $family on \`$interface\`: there is no such interface"
		return 1
	fi
	read -r type <"$nvmeroot_sys/class/net/$interface/type"
	read -r mac <"$nvmeroot_sys/class/net/$interface/address"
	{
		# DUID-LL (RFC 8415, section 11.4), as the hand-off has the running
		# system form it. Before `clientid`, or DHCPv4 would take it too.
		[ "$type" != 1 ] || echo "duid 00:03:00:01:$mac"
		cat "$nvmeroot_etc/dhcpcd.conf"
		echo "timeout $nvmeroot_dhcp_wait"
		echo "metric $metric"
		# With both families the client stays till init-bottom ends it: it would
		# otherwise leave with the answer of the first one.
		case $family in
		DHCPv4) echo oneshot ;;
		DHCPv6) printf '%s\n' oneshot 'waitip 6' ;;
		esac
		# Nothing waits for an interface that does not lead to root.
		case ${nvmeroot_storage_interfaces:-" $interface "} in
		*" $interface "*) ;;
		*) echo background ;;
		esac
		echo "interface $interface"
		echo 'iaid 1'
	} >"$file"
	: >"$nvmeroot_run/dhcpcd-started"
	said=$(command dhcpcd -q -f "$file" "$@" 2>&1) && return 0
	[ -z "$said" ] || said=" ($(nvmeroot_one_line "$said"))"
	if nvmeroot_has_carrier "$interface"; then
		nvmeroot_say 3 "no $family answer on \`$interface\` within $nvmeroot_dhcp_wait s$said"
	else
		nvmeroot_say 3 "no $family answer on \`$interface\`: it has no carrier$said"
	fi
	return 1
}

# nvmeroot_has_carrier INTERFACE
nvmeroot_has_carrier() {
	local carrier=0
	{ read -r carrier <"$nvmeroot_sys/class/net/$1/carrier"; } 2>/dev/null
	[ "$carrier" = 1 ]
}

# nvmeroot_way ADDRESS: packets can go there; else says why not in
# `nvmeroot_why`.
nvmeroot_way() {
	local route device
	if ! route=$("$nvmeroot_ip" route get "$1" 2>/dev/null); then
		nvmeroot_why="there is no route to \`$1\`"
		return 1
	fi
	route=$(nvmeroot_one_line "$route")
	device=${route#*" dev "}
	device=${device%% *}
	if [ "$device" != lo ] && ! nvmeroot_has_carrier "$device"; then
		nvmeroot_why="\`$device\`, which leads to \`$1\`, has no carrier"
		return 1
	fi
	case $1 in
	*:*)
		# An address that is still being checked for duplicates is no source.
		route=$("$nvmeroot_ip" -6 address show dev "$device" scope global tentative 2>/dev/null)
		case $route in
		*dadfailed*)
			nvmeroot_why="another machine has the address of \`$device\`: $(nvmeroot_one_line "$route")"
			return 1
			;;
		*inet6*)
			nvmeroot_why="the address of \`$device\` is still being checked for duplicates"
			return 1
			;;
		esac
		;;
	esac
}

# nvmeroot_wait_for_way ADDRESS: till there is a way, or till the time is up
# that all controllers share.
nvmeroot_wait_for_way() {
	local now
	while ! nvmeroot_way "$1"; do
		now=$(nvmeroot_now)
		: "${nvmeroot_way_deadline:=$((now + nvmeroot_way_wait))}"
		[ "$now" -lt "$nvmeroot_way_deadline" ] || return 1
		nvmeroot_nap
	done
}

# nvmeroot_live [ADDRESS PORT]: the live NVMe/TCP controllers for I/O, all or
# those at a portal, one a line on standard output.
nvmeroot_live() {
	local path transport state address kind
	for path in "$nvmeroot_sys"/class/nvme/nvme*; do
		transport='' state='' address='' kind=''
		{
			read -r transport <"$path/transport"
			read -r state <"$path/state"
			read -r address <"$path/address"
			read -r kind <"$path/cntrltype"
		} 2>/dev/null
		[ "$transport:$state" = tcp:live ] || continue
		[ "$kind" != discovery ] || continue
		if [ "$#" -gt 0 ]; then
			case ",$address," in
			*",traddr=$1,"*) ;;
			*) continue ;;
			esac
			case ",$address," in
			*",trsvcid=$2,"*) ;;
			*) continue ;;
			esac
		fi
		printf '%s\n' "$path"
	done
}

# nvmeroot_shows_namespace PATH…: one of the controllers has a namespace.
nvmeroot_shows_namespace() {
	local path entry
	for path; do
		for entry in "$path"/nvme*n*; do
			[ ! -e "$entry" ] || return 0
		done
	done
	return 1
}

nvme() {
	local address='' port='' word last='' topic before after said status portal deadline
	for word; do
		case $last in
		--traddr) address=$word ;;
		--trsvcid) port=$word ;;
		esac
		last=$word
	done
	case $address in
	*:*) portal="[$address]:$port" ;;
	*) portal="$address:$port" ;;
	esac
	topic="$address-$port"
	[ ! -e "$nvmeroot_run/connected-$topic" ] || return 0
	if ! nvmeroot_wait_for_way "$address"; then
		nvmeroot_fail "$topic" "can't connect to \`$portal\`: $nvmeroot_why"
		return 1
	fi
	before=$(nvmeroot_live)
	said=$(command nvme "$@" 2>&1)
	status=$?
	after=$(nvmeroot_live "$address" "$port")
	# nvme-cli ends well although a connection failed. What the kernel says
	# counts: a controller at the portal, or others that the portal's discovery
	# log named, new or already there.
	if [ -z "$after" ]; then
		after=$(nvmeroot_live)
		if [ "$status" -ne 0 ] || [ -z "$after" ] ||
			{ [ "$after" = "$before" ] && [ -n "$said" ]; }; then
			said=$(nvmeroot_one_line "$said")
			nvmeroot_fail "$topic" "can't connect to \`$portal\`: ${said:-no controller became live}"
			return 1
		fi
	fi
	: >"$nvmeroot_run/connected-$topic"
	nvmeroot_say 6 "connected to \`$portal\`"
	deadline=$(($(nvmeroot_now) + nvmeroot_namespace_wait))
	set -f
	# shellcheck disable=SC2086 # one word a path
	set -- $after
	set +f
	while ! nvmeroot_shows_namespace "$@"; do
		if [ "$(nvmeroot_now)" -ge "$deadline" ]; then
			nvmeroot_fail "$topic" "\`$portal\` shows this host no namespace; does it allow this machine's hostnqn?"
			return 1
		fi
		nvmeroot_nap
	done
}
