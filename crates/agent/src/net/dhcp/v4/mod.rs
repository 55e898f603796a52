//! DHCPv4 (RFC 2131).

mod client;
mod driver;
mod lease;
mod link_local;
mod message;

pub use client::{Client, Output, V4Config};
pub use driver::{announce, keep_v4, run_v4};
pub use lease::{ClasslessRoute, Lease4};
pub use link_local::find_link_local;
pub use message::{Message, MessageType, Options, Request};
