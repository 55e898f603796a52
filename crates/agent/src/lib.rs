//! The initramfs program: from the boot plan to root, by system calls.

pub mod dhcp;
