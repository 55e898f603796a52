//! DHCP clients for boot time.
//!
//! Both clients are state machines without I/O ([`v4::Client`],
//! [`v6::Client`], both a [`Machine`]): messages and the time go in, messages
//! and timers come out. [`run_v4`] and [`run_v6`] drive them over sockets, by
//! one and the same loop (`drive`): they block until there
//! is a lease, the deadline, or a stop; [`keep_v4`] and [`keep_v6`] renew a
//! lease for as long as the program lives.
//!
//! Where boot asks for more than the RFCs' patience, the clients are faster:
//! no random delay before the first message, the first retry after a quarter
//! of a second, and then on until the deadline; a server that comes up late
//! is still asked every 4 s.

mod apply;
mod bytes;
mod drive;
mod error;
mod frame;
mod identity;
mod machine;
mod names;
mod random;
mod socket;
pub mod v4;
pub mod v6;

pub use apply::{Applied4, Applied6, DEFAULT_METRIC, LeaseRoute, hostname_to_send};
pub use bytes::ParseError;
pub use error::{DhcpError, Event, Failure};
pub use frame::{Arp, parse_arp, parse_udp};
pub use identity::{ClientId, Duid, Iaid, Identity, MachineId, MachineIdError, udev_name};
pub use machine::{Book, Machine};
pub use random::Random;
pub(crate) use socket::{attach_filter, bind_to_link};
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
