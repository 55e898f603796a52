//! What a DHCPv6 server leases.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// A leased address. Times count from when the lease was acquired;
/// `Duration::MAX` is forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeasedAddress {
    /// The address; its prefix length is 128, what is on the link is for
    /// router advertisements to say.
    pub address: Ipv6Addr,
    /// How long it is to be preferred.
    pub preferred: Duration,
    /// How long it is ours.
    pub valid: Duration,
}

/// A lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease6 {
    /// The addresses, at least one.
    pub addresses: Vec<LeasedAddress>,
    /// The server's DUID.
    pub server_id: Vec<u8>,
    /// The server's address.
    pub server: Ipv6Addr,
    /// When to renew, T1.
    pub renew: Duration,
    /// When to rebind, T2.
    pub rebind: Duration,
    /// Name servers.
    pub dns: Vec<Ipv6Addr>,
    /// Search list.
    pub search: Vec<String>,
}

impl Lease6 {
    /// When the last address ends.
    pub(super) fn end(&self) -> Duration {
        let valid = self.addresses.iter().map(|a| a.valid);
        valid.max().unwrap_or(Duration::ZERO)
    }

    pub(super) fn list(&self) -> Vec<Ipv6Addr> {
        self.addresses.iter().map(|a| a.address).collect()
    }

    pub(super) fn first(&self) -> IpAddr {
        self.addresses
            .first()
            .map_or(Ipv6Addr::UNSPECIFIED, |a| a.address)
            .into()
    }
}
