check()
{
	# As long as it is wanted, whatever this machine's own devices are.
	[[ -e "${dracutsysrootdir-}/$nvmeroot_wanted" ]]
}

# What root stands on: a layer a line, and its name.
nvmeroot_stack()
{
	[[ ! -f "${dracutsysrootdir-}/$nvmeroot_layers" ]] || cat "${dracutsysrootdir-}/$nvmeroot_layers"
}

# MODULE PROGRAM: names dracut's module where it can be had. This one would be left out
# together with one that can't.
nvmeroot_module()
{
	if [[ " ${omit_dracutmodules-} " != *" $1 "* ]] && find_binary "$2" >/dev/null; then
		echo "$1"
	fi
}

depends()
{
	local layer
	while read -r layer _; do
		case $layer in
		lvm) nvmeroot_module lvm lvm ;;
		raid) nvmeroot_module mdraid mdadm ;;
		crypt) nvmeroot_module systemd-cryptsetup "$systemdutildir/systemd-cryptsetup" ;;
		esac
	done < <(nvmeroot_stack)
	return 0
}

installkernel()
{
	local wanted=(nvme-tcp af_packet) word filesystems=()
	# What root's virtual links and its connections need and nvme-tcp does not name.
	if [[ -f "${dracutsysrootdir-}/$nvmeroot_modules" ]]; then
		while read -r word; do
			[[ ! $word =~ ^[a-z0-9][a-z0-9_-]*$ ]] || wanted+=("$word")
		done <"${dracutsysrootdir-}/$nvmeroot_modules"
	fi
	# `-c`: one that is missing is an error. Built into the kernel is as good.
	hostonly='' instmods -c "${wanted[@]}" || {
		derror "nvmeroot: the kernel $kernel lacks a module that root needs, one of: ${wanted[*]}"
		derror 'hint: install the package with all modules of that kernel'
		return 1
	}
	# The cards of any machine: this one may not be the one that boots.
	hostonly='' dracut_instmods -o \
		-P '.*/net/(can|hamradio|ieee802154|wireless|wwan)/.*' \
		-s 'eth_type_trans|register_virtio_device|usbnet_open' '=drivers/net'
	# What the tree says of its filesystems: where images are made in a container, or
	# for another machine, nothing that is mounted tells.
	if [[ -f "${dracutsysrootdir-}/etc/fstab" ]]; then
		while read -r _ _ word _; do
			case $word in
			btrfs | ext[234] | f2fs | jfs | xfs) filesystems+=("$word") ;;
			esac
		done <"${dracutsysrootdir-}/etc/fstab"
	fi
	((${#filesystems[@]} == 0)) || hostonly='' instmods "${filesystems[@]}"
	while read -r word _; do
		case $word in
		lvm | raid) hostonly='' instmods '=drivers/md' ;;
		crypt) hostonly='' instmods dm_crypt '=crypto' ;;
		esac
	done < <(nvmeroot_stack)
	return 0
}

# NAME: by what dracut knows the array that mdadm.conf(5) has under that name; all arrays
# where it has none.
nvmeroot_array()
{
	local word device rest conf=${dracutsysrootdir-}/etc/mdadm/mdadm.conf
	if [[ $1 && -f $conf ]]; then
		while read -r word device rest; do
			[[ ${word,,} == array && ${rest,,} =~ uuid=([0-9a-f:]+) ]] || continue
			case " $device $rest " in
			*" /dev/$1 "* | *" /dev/md/$1 "* | *" name=$1 "* | *" name="*":$1 "*)
				echo "rd.md.uuid=${BASH_REMATCH[1]}"
				return 0
				;;
			esac
		done <"$conf"
	fi
	echo rd.auto=1
}

# NAME...: copies the entries of crypttab(5) for these volumes, and those that say
# themselves that they belong here. dracut's own module takes what this machine has open.
nvmeroot_crypttab()
{
	local name device key options from=${dracutsysrootdir-}/etc/crypttab to=$initdir/etc/crypttab
	[[ -f $from ]] || return 0
	while read -r name device key options; do
		[[ $device && $name != \#* ]] || continue
		[[ " $* " == *" $name "* || ,$options, == *,initramfs,* || ,$options, == *,x-initrd.attach,* ]] || continue
		! grep -qs "^$name[[:space:]]" "$to" || continue
		echo "$name $device $key $options" >>"$to"
		[[ $key == /* && $key != /dev/* && $key != *:* ]] || continue
		[[ " ${install_items-} ${install_optional_items-} " == *" $key "* ]] || {
			dwarn "nvmeroot: \`$name\` is opened with \`$key\`, which is not in the initramfs: somebody will be asked for a passphrase"
			dwarn "hint: to have it there, for whoever can read the image, put install_items+=\" $key \" into a file of /etc/dracut.conf.d"
		}
	done <"$from"
}

# What puts together what root stands on is told what that is: in an image for any
# machine dracut starts no array by itself, and every volume group.
nvmeroot_put_together()
{
	local layer name words=() volumes=() is_encrypted=
	while read -r layer name; do
		case $layer in
		lvm)
			find_binary lvm >/dev/null || derror 'nvmeroot: root stands on LVM, and `lvm` is not installed'
			words+=("${name:+rd.lvm.vg=}${name:-rd.auto=1}")
			;;
		raid)
			find_binary mdadm >/dev/null || derror 'nvmeroot: root stands on an array, and `mdadm` is not installed'
			words+=("$(nvmeroot_array "$name")")
			[[ ! -f ${dracutsysrootdir-}/etc/mdadm/mdadm.conf ]] ||
				inst_simple /etc/mdadm/mdadm.conf /etc/mdadm.conf
			;;
		crypt)
			is_encrypted=1
			[[ -z $name ]] || volumes+=("$name")
			;;
		esac
	done < <(nvmeroot_stack)
	[[ ! $is_encrypted ]] || nvmeroot_crypttab ${volumes[@]+"${volumes[@]}"}
	((${#words[@]} == 0)) || {
		mkdir -p "$initdir/etc/cmdline.d"
		echo "${words[*]}" >"$initdir/etc/cmdline.d/90nvmeroot.conf"
	}
}

install()
{
	local file hook once
	for file in "${nvmeroot_files[@]}"; do
		inst_simple "/$file" || {
			dfatal "nvmeroot: can't copy \`/$file\`"
			dfatal 'hint: run `nvmeroot configure` again'
			exit 1
		}
	done
	# Programs of another tree may be another architecture's.
	[[ ${dracutsysrootdir-} ]] || nvmeroot_programs || exit 1
	inst_simple "$moddir/modprobe.conf" /etc/modprobe.d/nvmeroot.conf
	nvmeroot_put_together
	# Other modules may bring a network manager: the agent has root's links.
	for file in names macs drivers; do
		[[ ! -e ${dracutsysrootdir-}/$nvmeroot_links/$file.network ]] ||
			inst_simple "/$nvmeroot_links/$file.network" "/etc/systemd/network/00-nvmeroot-$file.network"
	done
	inst_simple "/$nvmeroot_links/network-manager.conf" /etc/NetworkManager/conf.d/nvmeroot.conf
	for file in systemd-networkd network-manager connman network-legacy; do
		dracut_module_included "$file" || continue
		case $file in
		systemd-networkd | network-manager)
			dinfo "nvmeroot: \`$file\` is in the image too, and leaves root's links to the agent"
			;;
		*)
			dwarn "nvmeroot: \`$file\` is in the image too, and may set root's links up beside the agent"
			dwarn "hint: leave it out: omit_dracutmodules+=\" $file \" in /etc/dracut.conf.d"
			;;
		esac
	done
	# Cards have the names of the running system (systemd.link(5), udev(7)); what rules
	# for names dracut copies by itself depends on its version.
	inst_multiple -o /usr/lib/udev/rules.d/73-special-net-names.rules \
		/usr/lib/udev/rules.d/75-net-description.rules \
		/usr/lib/udev/rules.d/80-net-setup-link.rules \
		'/etc/udev/rules.d/*.rules' \
		'/usr/lib/systemd/network/*.link' '/usr/lib/systemd/network/*.link.d/*.conf' \
		'/etc/systemd/network/*.link' '/etc/systemd/network/*.link.d/*.conf'
	if dracut_module_included systemd; then
		for file in "${nvmeroot_units[@]}"; do
			inst_simple "$moddir/$file" "$systemdsystemunitdir/$file"
			$SYSTEMCTL -q --root "$initdir" add-wants initrd.target "$file"
		done
		return 0
	fi
	for hook in "${nvmeroot_hooks[@]}"; do
		file=/usr/lib/nvmeroot/boot/$hook
		inst_script "$moddir/$hook.sh" "$file"
		# dracut reads a hook into the shell that boots, where `exit` would end all. The
		# queue runs its hooks again and again, and this one is for once.
		once=
		# shellcheck disable=SC2016 # dracut's own variable, when it boots
		[[ $hook != initqueue ]] || once='rm -f -- "$job"; '
		echo "$once$file" >"$initdir/tmp/nvmeroot.sh"
		inst_hook "$hook" 10 "$initdir/tmp/nvmeroot.sh"
	done
	rm -f "$initdir/tmp/nvmeroot.sh"
}
