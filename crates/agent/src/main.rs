//! The initramfs program `nvmeroot-agent`.

fn main() {}
