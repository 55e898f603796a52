//! DHCPv6 (RFC 8415), addresses only.

mod client;
mod driver;
mod message;

pub use client::{Client, Lease6, LeasedAddress, V6Config};
pub use driver::{decline_v6, keep_v6, run_v6};
pub use message::{IaAddress, IaNa, Message, MessageType, Request, Status, StatusCode};
