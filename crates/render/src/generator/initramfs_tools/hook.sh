. /usr/share/initramfs-tools/hook-functions

fail()
{
	printf 'E: nvmeroot: %s\n' "$1" "hint: $2" >&2
	exit 1
}

# file PATH HINT: copies it, mode and all; 1 says that it is there already.
file()
{
	copy_file file "$1" || [ $? -eq 1 ] || fail "can't copy \`$1\`" "$2"
}
