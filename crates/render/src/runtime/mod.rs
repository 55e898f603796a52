//! What runs in the initramfs, one file a runtime. None knows what generates
//! the initramfs.

pub(crate) mod agent;
pub(crate) mod scripts;
