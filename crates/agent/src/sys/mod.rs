//! The kernel and the system around the program: netlink, sockets, the kernel
//! log, uevents, udev, modprobe, priorities, and where files are.

use std::thread::JoinHandle;

pub mod events;
pub mod kmsg;
pub(crate) mod modprobe;
pub mod netlink;
pub mod paths;
pub(crate) mod priority;
pub(crate) mod socket;
#[cfg(target_env = "musl")]
mod thread_name;
pub(crate) mod udev;
pub mod uevent;
// Elsewhere the unwinder is shared, and a test that fails shows its backtrace.
#[cfg(all(target_env = "musl", panic = "abort"))]
mod unwind;

/// The stack of each thread in bytes. The program has up to a hundred threads,
/// and an initramfs has to share its memory with them.
const STACK: usize = 256 * 1024;

/// Starts a thread.
pub(crate) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK)
        .spawn(work)
}
