# Waits till root's drives are there, or the program that reaches them gives up:
# after 180 s, or what `nvmeroot.deadline=` on the kernel command line says. Then
# the initramfs goes on by itself, and misses the drives in its own way.

case " $(cat /proc/cmdline) " in
*' nvmeroot=off '*) exit 0 ;;
esac

# Its report is in the kernel's log, and so on the console, already.
/usr/lib/nvmeroot/nvmeroot-agent wait >/dev/null 2>&1
# 3: no agent is running. Whatever became of the one that was started first, root
# needs another.
if [ $? -eq 3 ]; then
	kmsg=/dev/null
	[ ! -w /dev/kmsg ] || kmsg=/dev/kmsg
	echo '<4>nvmeroot: `nvmeroot-agent run` is gone, starting it again' >>"$kmsg"
	/usr/lib/nvmeroot/nvmeroot-agent run </dev/null >/dev/null 2>>"$kmsg" &
	/usr/lib/nvmeroot/nvmeroot-agent wait >/dev/null 2>>"$kmsg"
fi
exit 0
