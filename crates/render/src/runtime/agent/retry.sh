# The initramfs runs this again and again, about once a second, while the root
# filesystem's device is missing: the program that reaches root's drives gave up,
# or what lies on them has not been put together yet.

case " $(cat /proc/cmdline) " in
*' nvmeroot=off '*) exit 0 ;;
esac

# It said that all drives are there: then it is not what is missing.
[ ! -e /run/nvmeroot/done ] || exit 0

# Not each time: a program that ends at once would fill the console.
calls=0 pid=
{ read -r calls pid </run/nvmeroot/again; } 2>/dev/null
# One that has ended may still have a process number, until somebody asks for
# its status; the file says that it has not.
busy=/run/nvmeroot/again.busy
if [ "$((calls % 10))" -eq 0 ] && ! { [ -e "$busy" ] && kill -0 "$pid" 2>/dev/null; }; then
	kmsg=/dev/null
	[ ! -w /dev/kmsg ] || kmsg=/dev/kmsg
	mkdir -p /run/nvmeroot
	: >"$busy"
	# Beside one that is still at work it only waits for that one.
	{
		/usr/lib/nvmeroot/nvmeroot-agent run
		rm -f "$busy"
	} </dev/null >/dev/null 2>>"$kmsg" &
	pid=$!
fi
echo "$((calls + 1)) $pid" >/run/nvmeroot/again
exit 0
