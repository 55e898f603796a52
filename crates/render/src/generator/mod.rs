//! What makes the initramfs, one file a generator. None knows what runs in it.

pub(crate) mod initramfs_tools;
