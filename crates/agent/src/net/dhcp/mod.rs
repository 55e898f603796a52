//! DHCP clients for boot time.
//!
//! Both clients are state machines without I/O ([`v4::Client`],
//! [`v6::Client`], both a [`Machine`]): messages and the time go in, messages
//! and timers come out. [`run_v4`] and [`run_v6`] drive them over sockets, by
//! one and the same loop (`runner`): they block until there
//! is a lease, the deadline, or a stop; [`keep_v4`] and [`keep_v6`] renew a
//! lease for as long as the program lives.
//!
//! Where boot asks for more than the RFCs' patience, the clients are faster:
//! no random delay before the first message, the first retry after a quarter
//! of a second, and then on until the deadline; a server that comes up late
//! is still asked every 4 s.

mod bytes;
mod error;
mod frame;
mod identity;
mod lease_config;
mod machine;
mod names;
mod random;
mod runner;
mod socket;
pub mod v4;
pub mod v6;

pub use bytes::ParseError;
pub use error::{DhcpError, Event, Failure};
pub use frame::{Arp, parse_arp, parse_udp};
pub use identity::{ClientId, Duid, Iaid, Identity, udev_name};
pub use lease_config::{LeaseConfig4, LeaseConfig6, LeaseRoute, hostname_to_send};
pub use machine::{Machine, Timers};
pub use random::Random;

pub use v4::{Lease4, V4Config, announce, find_link_local, keep_v4, run_v4};
pub use v6::{Lease6, V6Config, decline_v6, keep_v6, run_v6};

use nvmeroot_plan::{InterfaceName, MacAddress};

/// The link that a client works on; it is up before the client starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its present name.
    pub name: InterfaceName,
    /// Its index.
    pub index: u32,
    /// Its present MAC address.
    pub mac: MacAddress,
}
