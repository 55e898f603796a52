//! Kernel modules, loaded at this program's priority; what the kernel itself
//! would start waits behind udev.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, ExitStatus, Stdio};

/// Runs modprobe(8), without a word; by its path, for some builds of busybox take
/// their own otherwise.
///
/// # Errors
/// When there is none.
pub(crate) fn modprobe(
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> io::Result<ExitStatus> {
    Command::new("/sbin/modprobe")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
}
