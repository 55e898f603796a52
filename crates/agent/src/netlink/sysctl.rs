//! What of a link only a sysctl can set
//! (Documentation/networking/ip-sysctl.rst).

use std::io;

use crate::places::Places;

/// Sets `net.ipv6.conf.LINK.KEY`.
///
/// # Errors
/// `NotFound` where the kernel has no IPv6 or not this key.
pub fn set_ipv6(places: &Places, link: &str, key: &str, value: &str) -> io::Result<()> {
    std::fs::write(
        places.proc.join("sys/net/ipv6/conf").join(link).join(key),
        value,
    )
}
