//! DHCPv6 (RFC 8415), addresses only.

mod client;
mod driver;
mod lease;
mod message;

pub use client::{Client, V6Config};
pub use driver::{decline_v6, keep_v6, run_v6};
pub use lease::{Lease6, LeasedAddress};
pub use message::{IaAddress, IaNa, Message, MessageType, Request, Status, StatusCode};
