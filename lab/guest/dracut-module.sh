#!/bin/bash
# The lab's part of an initramfs that dracut makes: says why it gave up.
check()
{
	return 0
}

install()
{
	inst_script "$moddir/stopped.sh" /usr/lib/lab/stopped
	echo '/usr/lib/lab/stopped' >"$initdir/tmp/lab.sh"
	inst_hook emergency 10 "$initdir/tmp/lab.sh"
	inst_hook shutdown-emergency 10 "$initdir/tmp/lab.sh"
	rm -f "$initdir/tmp/lab.sh"
}
