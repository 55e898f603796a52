# What root's virtual links and its connections need and nvme-tcp does not name.
if [ -e "$modules" ]; then
	while read -r module; do
		manual_add_modules "$module"
	done <"$modules"
	# Else these two make a link of their own when they are loaded, and `bond0`
	# would be there before it is created with its parameters.
	mkdir -p "$DESTDIR/etc/modprobe.d"
	printf '%s\n' 'options bonding max_bonds=0' 'options dummy numdummies=0' \
		>"$DESTDIR/etc/modprobe.d/nvmeroot.conf"
fi

manual_add_modules nvme-tcp af_packet
# With MODULES=dep only the drivers of what root lies on now would be there.
[ "$MODULES" = most ] || auto_add_modules net
exit 0
