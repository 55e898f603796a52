//! Where a connection leaves from.

use std::net::IpAddr;

use crate::{ConnectOptions, InterfaceName};

/// What a connection leaves from, as far as it is said.
pub(crate) type Source = (Option<IpAddr>, Option<InterfaceName>);

pub(crate) fn source(options: &ConnectOptions) -> Source {
    (options.host_traddr, options.host_iface.clone())
}

/// Neither says what the other says differently.
pub(crate) fn fits(a: &Source, b: &Source) -> bool {
    !differ(a.0.as_ref(), b.0.as_ref()) && !differ(a.1.as_ref(), b.1.as_ref())
}

/// Both are said, and they are not the same.
pub(crate) fn differ<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a != b)
}
