//! What of a link only a sysctl can set
//! (Documentation/networking/ip-sysctl.rst).

use std::io;

use crate::sys::paths::Paths;

/// Sets `net.ipv6.conf.LINK.KEY`.
///
/// # Errors
/// `NotFound` where the kernel has no IPv6 or not this key.
pub fn set_ipv6(paths: &Paths, link: &str, key: &str, value: &str) -> io::Result<()> {
    std::fs::write(
        paths.proc.join("sys/net/ipv6/conf").join(link).join(key),
        value,
    )
}

/// Has the kernel ask again for an IPv4 neighbour after `milliseconds`.
/// Returns what it was before.
///
/// # Errors
/// `NotFound` where the kernel has no such link or not this key.
pub fn set_question_time(paths: &Paths, link: &str, milliseconds: &str) -> io::Result<String> {
    let directory = paths.proc.join("sys/net/ipv4/neigh").join(link);
    let path = directory.join("retrans_time_ms");
    let before = std::fs::read_to_string(&path)?;
    std::fs::write(&path, milliseconds)?;
    Ok(before.trim_end().to_owned())
}
