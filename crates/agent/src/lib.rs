//! The initramfs program: from the boot plan to root, by system calls.

pub mod card;
pub mod cmdline;
pub mod control;
pub mod dhcp;
pub mod events;
pub mod exec;
pub mod fabrics;
pub mod fault;
pub mod glob;
pub mod kmsg;
mod modprobe;
mod mount;
pub mod netlink;
pub mod paths;
pub mod places;
mod priority;
pub mod program;
pub mod record;
mod udev;
pub mod uevent;
// Elsewhere the unwinder is shared, and a test that fails shows its backtrace.
#[cfg(all(target_env = "musl", panic = "abort"))]
mod unwind;

/// The stack of each thread in bytes. The program has up to a few hundred
/// threads, and an initramfs has to share its memory with them.
pub(crate) const STACK: usize = 256 * 1024;
