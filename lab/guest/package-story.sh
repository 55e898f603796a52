#!/bin/sh
# package-story.sh MERGED RELEASE PACKAGE STORY: run by configure.sh; makes the initramfs
# of the merged tree, which is configured, and then has the package upgraded, reinstalled
# or purged there. The package's trigger must have the image made anew.
set -eu
merged=$1 release=$2 package=$3 story=$4
image=boot/initrd.img-$release
fail()
{
	echo "package-story: $1"
	exit 1
}
in_tree()
{
	chroot "$merged" "$@"
}
mount -t proc proc "$merged/proc"
mount -t sysfs sysfs "$merged/sys"
mount --bind /dev "$merged/dev"
mount -t tmpfs run "$merged/run"
cp "$package" "$merged/run/nvmeroot.deb"
# What makes images for a kernel looks for the kernel.
kernel=$merged/boot/vmlinuz-$release
is_mine=
[ -e "$kernel" ] || is_mine=1
[ -z "$is_mine" ] || : >"$kernel"
if in_tree sh -c 'command -v mkinitramfs' >/dev/null; then
	in_tree update-initramfs -c -k "$release"
	list=lsinitramfs
else
	in_tree dracut --force "/$image" "$release"
	list=lsinitrd
fi
has_agent()
{
	in_tree "$list" "/$image" | grep 'usr/lib/nvmeroot/nvmeroot-agent$' >/dev/null
}
has_agent || fail "the image of the configured tree has no agent"
touch -d 2001-01-01 "$merged/$image"
cp "$merged/etc/nvmeroot/plan.json" "$merged/run/plan.json"
case $story in
upgraded)
	dpkg-deb --raw-extract "$package" "$merged/run/newer"
	sed -i 's/^Version: .*/Version: 99.0-1/' "$merged/run/newer/DEBIAN/control"
	dpkg-deb --build "$merged/run/newer" "$merged/run/nvmeroot.deb" >/dev/null
	in_tree dpkg --install /run/nvmeroot.deb
	in_tree dpkg-query --show nvmeroot | grep -q '99.0-1$' || fail "it is not upgraded"
	;;
reinstalled) in_tree dpkg --install /run/nvmeroot.deb ;;
purged) in_tree dpkg --purge nvmeroot ;;
esac
[ "$(stat -c %Y "$merged/$image")" -gt 1000000000 ] || fail "the image was not made anew"
case $story in
purged)
	! has_agent || fail "the image has the agent still"
	left=$(cd "$merged" && find . -xdev -name '*nvmeroot*' ! -path './run/*' ! -path './sys/*' \
		! -path './proc/*' ! -path './dev/*')
	[ -z "$left" ] || fail "left behind: $left"
	! in_tree dpkg-query --show nvmeroot 2>/dev/null || fail "dpkg knows it still"
	;;
*)
	has_agent || fail "the image has no agent any more"
	cmp "$merged/etc/nvmeroot/plan.json" "$merged/run/plan.json" || fail "the plan has changed"
	;;
esac
rm -f "$merged/$image"
[ -z "$is_mine" ] || rm -f "$kernel"
umount "$merged/proc" "$merged/sys" "$merged/dev" "$merged/run"
