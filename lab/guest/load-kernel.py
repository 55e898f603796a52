#!/usr/bin/python3
# Loads the kernel that runs once more, with the initramfs and the words of this boot, for
# `systemctl kexec`: kexec_file_load(2), by its number on x86-64.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
kernel = os.open(f"/boot/vmlinuz-{os.uname().release}", os.O_RDONLY)
initrd = os.open("/boot/lab-initrd", os.O_RDONLY)
with open("/proc/cmdline", encoding="ascii") as words:
    line = words.read().strip().encode() + b"\0"
if libc.syscall(320, kernel, initrd, ctypes.c_ulong(len(line)), line, ctypes.c_ulong(0)):
    raise OSError(ctypes.get_errno(), "kexec_file_load")
