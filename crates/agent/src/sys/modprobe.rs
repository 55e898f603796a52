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

/// Loads what stands behind these aliases, unless somebody has blacklisted it.
///
/// # Errors
/// When there is no modprobe(8).
pub(crate) fn load_aliases<'a>(
    aliases: impl IntoIterator<Item = &'a String>,
) -> io::Result<ExitStatus> {
    let names = aliases.into_iter().map(String::as_str);
    modprobe(["-q", "-b", "-a", "--"].into_iter().chain(names))
}
