//! Words of a host's console by which the phases of its boot are told.

/// The agent's first word.
pub(crate) const AGENT: &str = "nvmeroot: agent ";
/// The kernel has an admin queue and asks for the others (`nvme_tcp_alloc_io_queues`).
pub(crate) const QUEUES: &str = " I/O queues.";
/// The kernel has a controller (`nvme_tcp_create_ctrl`).
pub(crate) const CONTROLLER: &str = ": new ctrl: ";
/// initramfs-tools mounts root.
pub(crate) const MOUNT: &str = "Mounting root file system";
/// initramfs-tools is about to leave.
pub(crate) const LEAVE: &str = "Running /scripts/init-bottom";
/// Root's first program runs.
pub(crate) const MARKER: &str = "lab: marker";

/// Before root runs.
pub(crate) const OF_BOOT: &[&str] = &[AGENT, QUEUES, CONTROLLER, MOUNT, LEAVE];
