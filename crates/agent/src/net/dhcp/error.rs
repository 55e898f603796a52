//! What a client reports: events on the way, and why there is no lease.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use nvmeroot_plan::{InterfaceName, MacAddress};

use super::bytes::ParseError;
use super::{Lease4, Lease6};

/// Why there is no lease. Each names the layer that is to be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DhcpError {
    /// The link is down or has no carrier.
    #[error("link `{link}` is down or has no carrier\nhint: check the cable and the switch port")]
    LinkDown {
        /// The link.
        link: InterfaceName,
    },
    /// DHCPv6 has no link-local address to speak from.
    #[error(
        "`{link}` has no usable link-local address after {} s\nhint: is IPv6 disabled (`ipv6.disable`, `disable_ipv6`), or the link down?",
        waited.as_secs()
    )]
    NoLinkLocal {
        /// The link.
        link: InterfaceName,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Another host has our link-local address.
    #[error(
        "the link-local address `{address}` of `{link}` is in use by another host\nhint: do two hosts have the same MAC address?"
    )]
    DuplicateLinkLocal {
        /// The link.
        link: InterfaceName,
        /// The address.
        address: Ipv6Addr,
    },
    /// What stood in the way to the end.
    #[error("{}", failed(link, why, *tries, *waited))]
    Failed {
        /// The link.
        link: InterfaceName,
        /// What it was.
        why: Failure,
        /// How many messages were sent.
        tries: u32,
        /// For how long.
        waited: Duration,
    },
    /// A lease ended without being renewed.
    #[error("the lease on `{link}` ended, no server renewed it")]
    Expired {
        /// The link.
        link: InterfaceName,
    },
    /// The caller stopped it.
    #[error("stopped")]
    Stopped,
    /// A system call failed for good.
    #[error("`{link}`: {what}: {source}")]
    Io {
        /// The link.
        link: InterfaceName,
        /// What was tried.
        what: &'static str,
        /// The error.
        source: io::Error,
    },
}

/// What happens on the way, for the boot record.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A message was sent; `attempt` counts all messages from 1.
    Sent {
        /// The message's name in the RFC (`DISCOVER`, `SOLICIT`).
        message: &'static str,
        /// Which message it is, from 1.
        attempt: u32,
    },
    /// A message could not be sent; it is tried again.
    NotSent {
        /// Why.
        error: String,
    },
    /// A server offered an address.
    Offered {
        /// The address.
        address: IpAddr,
        /// The server.
        server: IpAddr,
    },
    /// A server said no.
    Refused {
        /// What it said.
        reason: String,
    },
    /// A packet for us was of no use.
    Ignored {
        /// Why.
        error: ParseError,
    },
    /// Another host answers for the address.
    Conflict {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        mac: MacAddress,
    },
    /// There is a lease.
    Bound {
        /// The address.
        address: IpAddr,
    },
    /// The DHCPv4 lease was renewed; its times start anew.
    Renewed4(Box<Lease4>),
    /// The DHCPv6 lease was renewed; its times start anew.
    Renewed6(Box<Lease6>),
}

/// What stands in the way at present; the error at the deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No server answered.
    NoAnswer,
    /// A server offered an address and didn't confirm it.
    NotConfirmed {
        /// The server.
        server: IpAddr,
        /// The address.
        address: IpAddr,
    },
    /// A server answers, but has nothing for us: DHCPv4's NAK, DHCPv6's
    /// status codes other than `NoAddrsAvail`.
    Refused {
        /// What it said.
        reason: String,
    },
    /// The DHCPv6 server has no address left (`NoAddrsAvail`).
    NoAddresses {
        /// What it said.
        reason: String,
    },
    /// Another host uses the address that the server gave.
    Conflict {
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        mac: MacAddress,
    },
}

fn failed(link: &InterfaceName, why: &Failure, tries: u32, waited: Duration) -> String {
    let waited = waited.as_secs();
    match why {
        Failure::NoAnswer => format!(
            "no DHCP server answered on `{link}` after {tries} tries in {waited} s\nhint: is a DHCP server in this network (or VLAN)?"
        ),
        Failure::NotConfirmed { server, address } => format!(
            "the DHCP server `{server}` offered `{address}` on `{link}`, but didn't confirm it ({tries} tries in {waited} s)"
        ),
        Failure::Refused { reason } => format!("the DHCP server refused on `{link}`: {reason}"),
        Failure::NoAddresses { reason } => format!(
            "the DHCP server has no address for `{link}`: {reason}\nhint: is its range exhausted, or this host not known to it?"
        ),
        Failure::Conflict { address, mac } => {
            format!("the address `{address}` that DHCP gave to `{link}` is in use by `{mac}`")
        }
    }
}
